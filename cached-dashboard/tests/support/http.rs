//! A request and its answer, by hand: all that the tests ask of a server.

use std::collections::HashMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Answer {
    pub status: u16,
    /// By names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// Asks the server on this port of 127.0.0.1.
pub async fn ask(port: u16, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n");
    let request = format!("{head}Content-Type: application/json\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    // Not to the end of the connection, which not everybody closes.
    let (mut answer, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        if let Some(answer) = whole(&answer) {
            return answer;
        }
        let read = stream.read(&mut piece).await.expect("it answers");
        assert!(read > 0, "half an answer: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
}

/// The answer, once all of it is there.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: HashMap<_, _> = lines.filter_map(header).collect();
    let length: usize = headers.get("content-length").expect("its length").parse().expect("a number");
    (body.len() >= length).then(|| Answer { status, headers, body: body.to_owned() })
}
