//! A proxy that knows `CONNECT` and nothing else.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// It serves as long as the test program runs.
pub(crate) struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that opens every tunnel.
    pub(crate) fn open() -> Self {
        Self::answering("200 Connection established")
    }

    /// A proxy that answers every request so, and opens a tunnel where that is a success.
    pub(crate) fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = noted.clone();
                // Whoever hangs up in the middle is done.
                thread::spawn(move || serve(stream.unwrap(), status, &noted).unwrap_or_default());
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The requests that came, each with its headers.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, status: &str, noted: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    noted.lock().unwrap().push(head.clone());
    let mut client = stream;
    write!(client, "HTTP/1.1 {status}\r\n\r\n")?;
    if !status.starts_with('2') {
        return Ok(());
    }
    let server = TcpStream::connect(head.split(' ').nth(1).unwrap_or_default())?;
    let (mut to_server, mut from_server) = (server.try_clone()?, server);
    let upwards = thread::spawn(move || {
        let mut bytes = reader.buffer().to_vec();
        reader.consume(bytes.len());
        let sent =
            to_server.write_all(&std::mem::take(&mut bytes)).and_then(|()| io::copy(&mut reader, &mut to_server));
        // The other side has closed already.
        let _ = to_server.shutdown(Shutdown::Write);
        sent
    });
    io::copy(&mut from_server, &mut client)?;
    client.shutdown(Shutdown::Write)?;
    // Both directions have ended, however.
    let _ = upwards.join();
    Ok(())
}
