//! Examples that run themselves several times: started with `child` and an order, this is one of the processes.

#[path = "../interrupted/mod.rs"]
mod interrupted;

use std::error::Error;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use tokio::process::Command;
use tokio::runtime::Builder;

type Failure = Box<dyn Error>;

/// What the command line may say.
pub struct Options {
    pub seconds: u64,
    pub processes: u8,
    pub seed: u64,
}

impl Options {
    /// These, unless the words say otherwise.
    fn or(mut self, words: &[String]) -> Result<Self, Failure> {
        for pair in words.chunks(2) {
            match pair {
                [name, number] if name == "--seconds" => self.seconds = number.parse()?,
                [name, number] if name == "--processes" => self.processes = number.parse()?,
                [name, number] if name == "--seed" => self.seed = number.parse()?,
                _ => return Err("options are: --seconds N, --processes N, --seed N".into()),
            }
        }
        if self.seconds == 0 || self.processes == 0 {
            return Err("nothing to run".into());
        }
        Ok(self)
    }
}

/// Obeys an order, or runs the example: then the exit code says whether it held what it promises.
pub fn start<O: DeserializeOwned>(
    defaults: Options,
    obey: impl AsyncFnOnce(&O) -> Result<(), Failure>,
    run: impl AsyncFnOnce(&Options) -> Result<bool, Failure>,
) -> Result<ExitCode, Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    if let [child, order] = &words[..]
        && child == "child"
    {
        runtime.block_on(obey(&serde_json::from_str(order)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = defaults.or(&words)?;
    runtime.block_on(async {
        tokio::select! {
            held = run(&options) => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            interrupted = interrupted::interrupted() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })
}

/// How to start one of the processes.
pub fn child() -> Result<impl Fn(&str) -> Command, Failure> {
    let this = std::env::current_exe()?;
    Ok(move |order: &str| {
        let mut child = Command::new(&this);
        child.args(["child", order]);
        child
    })
}
