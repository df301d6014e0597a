//! A headless Chromium, led by `chromedriver`.

use std::env;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::support::http::ask;

/// A browser on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Browser {
    port: u16,
    /// Its path at the driver.
    session: String,
}

/// Runs this in a browser of its own, which ends with it. Where there is none the test says so and passes, but not in CI.
pub async fn in_chromium<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Browser) -> F) {
    let Some((driver, port)) = driver().await else {
        assert!(env::var_os("CI").is_none(), "there is no chromedriver: scripts/test installs it");
        eprintln!("skipped: there is no `chromedriver` on the PATH; scripts/test installs it");
        return;
    };
    // As root, which CI is, it has no sandbox.
    let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    let options = json!({ "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "ALL" } });
    let wanted = json!({ "capabilities": { "alwaysMatch": options } });
    let session = command(port, "POST", "/session", &wanted).await;
    let session = format!("/session/{}", session["sessionId"].as_str().expect("a session"));
    let browser = Browser { port, session };
    // In a task, so that the browser is ended where the test failed too.
    let ended = tokio::spawn(test(browser.clone())).await;
    command(port, "DELETE", &browser.session, &Value::Null).await;
    drop(driver);
    if let Err(failed) = ended {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// On a port that it chooses itself.
async fn driver() -> Option<(Child, u16)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut driver = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        spawned => spawned.expect("chromedriver starts"),
    };
    let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
    while let Some(line) = lines.next_line().await.expect("its words") {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Some((driver, port.trim_end_matches('.').parse().expect("a port")));
        }
    }
    panic!("chromedriver ended without a word of its port");
}

async fn command(port: u16, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = timeout(PATIENCE, ask(port, method, path, &body)).await;
    let answer = answer.unwrap_or_else(|_| panic!("no answer to {method} {path} {body}"));
    assert_eq!(answer.status, 200, "{method} {path} {body}: {}", answer.body);
    let mut answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    answer["value"].take()
}

impl Browser {
    async fn command(&self, path: &str, body: &Value) -> Value {
        command(self.port, "POST", &format!("{}{path}", self.session), body).await
    }

    pub async fn open(&self, page: &str) {
        self.command("/url", &json!({ "url": page })).await;
    }

    /// What this script returns.
    pub async fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// Waits until this script returns something true.
    pub async fn until(&self, what: &str, script: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.run(&format!("return Boolean({script})")).await != true {
            assert!(Instant::now() < deadline, "{what}: {}", self.run("return document.body.innerText").await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn show_as(&self, width: u32, scheme: &str) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", &size).await;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features).await;
    }

    async fn devtools(&self, cmd: &str, params: &Value) {
        self.command("/goog/cdp/execute", &json!({ "cmd": cmd, "params": params })).await;
    }

    /// What the browser complained about.
    pub async fn complaints(&self) -> Vec<Value> {
        let log = self.command("/se/log", &json!({ "type": "browser" })).await;
        log.as_array().expect("a list").clone()
    }
}
