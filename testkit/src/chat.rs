//! A service on loopback: keeps what it gets, and answers as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What it answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With this HTTP status, header and body.
    Says(u16, &'static str, String),
    /// Never.
    Hangs,
    /// By closing the connection.
    Closes,
}

pub fn says(status: u16, body: &str) -> Answer {
    Answer::Says(status, "x-nothing: 1", body.to_owned())
}

/// What it got.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.headers.iter().find_map(|header| header.strip_prefix(&start))
    }
}

pub struct Chat {
    address: String,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Chat {
    /// Gives the answers one after the other, the last one again and again.
    pub fn answering(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for (stream, index) in listener.incoming().zip(0..) {
                let mut stream = stream.unwrap();
                kept.lock().unwrap().push(read(&stream));
                match answers.get(index).or(answers.last()).unwrap() {
                    Answer::Says(status, header, body) => {
                        let length = body.len();
                        let head = format!("HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\n");
                        let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
                    }
                    Answer::Hangs => hanging.push(stream),
                    Answer::Closes => {}
                }
            }
        });
        Self { address, got }
    }

    pub fn url(&self, prefix: &str, path: &str) -> String {
        format!("{prefix}http://{}{path}", self.address)
    }

    pub fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = lines[0].split(' ').nth(1).unwrap().to_owned();
    Request { path, headers: lines.split_off(1), body: String::from_utf8(body).unwrap() }
}
