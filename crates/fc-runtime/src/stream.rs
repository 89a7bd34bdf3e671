//! A connection on which the HTTP library's own answers are failures too.
//!
//! hyper answers a request that it cannot parse by itself: 400, 414, or 431 for more than 100 headers. No service and no
//! setting can change such an answer, and without `x-fc-status` the platform would count it as a success.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Diagnostic;

pub(super) struct Stream {
    inner: TokioIo<TcpStream>,
    instead: Option<Instead>,
}

/// What is sent instead of an answer of hyper's.
struct Instead {
    left: Bytes,
    /// How many bytes hyper wanted to send.
    replaced: usize,
}

impl Stream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { inner: TokioIo::new(stream), instead: None }
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some(Instead { left, replaced }) = &mut self.instead {
            if left.is_empty() {
                let replaced = *replaced;
                self.instead = None;
                return Poll::Ready(Ok(replaced));
            }
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, left))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            left.advance(sent);
        }
        Poll::Ready(Ok(0))
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

/// Vectored writes stay off, so an answer is one buffer with the status line at its beginning.
impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead =
                status_of_foreign(bytes).map(|status| Instead { left: failure(status).into(), replaced: bytes.len() });
        }
        if self.instead.is_some() { self.poll_instead(cx) } else { Pin::new(&mut self.inner).poll_write(cx, bytes) }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The status of an answer that is hyper's own: one that refuses, and has no content.
fn status_of_foreign(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let status = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?.lines().next()?;
    let is_foreign = status.starts_with('4') && text.ends_with("\r\n\r\n") && !text.contains("content-type: ");
    is_foreign.then_some(status)
}

fn failure(status: &str) -> String {
    let (error_type, why) = match status.get(..3) {
        Some("431") => ("HeadTooLarge", "the request has too many headers, or too long ones; nothing ran"),
        Some("414") => ("PathTooLong", "the path of the request is too long; nothing ran"),
        _ => ("MalformedRequest", "the request is not HTTP/1.1, or is malformed; nothing ran"),
    };
    let body = Diagnostic::new(error_type, why).to_json().to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-fc-status: 404\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_refuses_and_has_no_content_is_foreign() {
        let foreign = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(status_of_foreign(foreign.as_bytes()), Some("431 Request Header Fields Too Large"));
        for ours in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n",
            "the rest of a body\r\n\r\n",
            "",
        ] {
            assert_eq!(status_of_foreign(ours.as_bytes()), None, "{ours}");
        }
        assert_eq!(status_of_foreign(b"HTTP/1.1 431 \xff\r\n\r\n"), None);
    }
}
