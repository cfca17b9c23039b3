//! The daemon, asked over its API; what it says is turned into what a terminal shows.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::FutureExt;
use hyper::Method;
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::client::{self, Ask, ClientError};
use crate::api::types::{
    ArchivedText, Conflict, ExecReply, ExecRequest, Lines, Problem, Proposal, RevertTimer, System,
};
use crate::log::Zone;
use crate::store::{Applied, Outlook, PendingRevert};

/// How long a daemon may take until it can be reached again.
const COMING_BACK: Duration = Duration::from_secs(5);
/// How long a reload may take.
const LONGEST_RELOAD: Duration = Duration::from_secs(90);
/// How often to try.
const RETRY: Duration = Duration::from_millis(5);
/// Type of a configuration in the form of IOS.
const TEXT: &str = "text/plain";
const CONFIGURATION: &str = "/v1/configuration";

/// What the daemon said instead of doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// For people; ends with a line feed.
    pub(super) text: String,
    /// The revision in force, if that is why.
    pub(super) revision: Option<u64>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, revision: None }
    }
}

/// A configuration as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// This text.
    Text(String),
    /// The one that a daemon begins with.
    Startup,
    /// One of the archive.
    Archived(u64),
}

/// The daemon behind a socket.
pub(super) struct Daemon {
    runtime: Runtime,
    socket: PathBuf,
    /// Ctrl-C ends the waiting for an answer; none where it ends the whole program.
    interrupts: Option<Signal>,
}

type Answer<T> = Result<T, Said>;

impl Daemon {
    /// The daemon behind `socket`, for a person or for a script.
    pub(super) fn new(socket: PathBuf, is_person: bool) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let interrupts = {
            let _inside = runtime.enter();
            is_person.then(|| signal(SignalKind::interrupt())).transpose()?
        };
        Ok(Self { runtime, socket, interrupts })
    }

    /// Where it answers.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for an answer, unless the person does not want to.
    fn wait<T>(&mut self, asked: impl Future<Output = Answer<T>>) -> Answer<T> {
        let interrupts = self.interrupts.as_mut();
        self.runtime.block_on(async {
            let Some(interrupts) = interrupts else { return asked.await };
            // A key that was pressed before the question is no answer to it.
            tokio::task::yield_now().await;
            while interrupts.recv().now_or_never().flatten().is_some() {}
            tokio::select! {
                answer = asked => answer,
                _ = interrupts.recv() => Err(Said::from("% Interrupted.\n".to_owned())),
            }
        })
    }

    fn get<T: DeserializeOwned>(&mut self, route: &str) -> Answer<T> {
        let socket = self.socket.clone();
        self.wait(async move { client::get(&socket, route).await.map_err(|error| plain(&error)) })
    }

    fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        route: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        let socket = self.socket.clone();
        self.wait(async move {
            let answer = client::call(&socket, method, route, body).await;
            answer.map_err(|error| plain(&error))
        })
    }

    /// How it is, and what it is called.
    pub(super) fn system(&mut self) -> Answer<System> {
        self.get("/v1/system")
    }

    /// Has an exec command carried out.
    pub(super) fn exec(&mut self, line: &str) -> Answer<String> {
        let socket = self.socket.clone();
        self.wait(exec(socket, line.to_owned()))
    }

    /// Applies lines below their context, on top of a revision. Who typed them knows them: only what
    /// is wrong is told.
    pub(super) fn change(&mut self, lines: &Lines, base: Option<u64>) -> Answer<Applied> {
        let body = serde_json::to_vec(lines).map_err(|error| told(&error.to_string()))?;
        let (method, route, media) = (Method::PATCH, CONFIGURATION, "application/json");
        match self.send(Ask { method, route, media, body, base })? {
            Err(ClientError::Change(problem)) if problem.conflict.is_none() => {
                let text = problem.lines.iter().map(|wrong| format!("% {}\n", wrong.message));
                Err(Said::from(text.collect::<String>()))
            }
            answer => self.applied(answer),
        }
    }

    /// What would change if `what` came in place of what runs.
    pub(super) fn difference(&mut self, what: &What) -> Answer<Vec<String>> {
        let text = match what {
            What::Text(text) => text.clone(),
            What::Startup => self.text("/v1/configuration/startup")?,
            What::Archived(revision) => {
                let kept: ArchivedText =
                    self.get(&format!("/v1/configuration/archive/{revision}"))?;
                return Ok(kept.difference);
            }
        };
        let proposal = Proposal::Replace(text);
        let outlook: Outlook = self.call(Method::POST, "/v1/configuration/validate", &proposal)?;
        Ok(outlook.difference)
    }

    /// Puts a text in place of what runs.
    pub(super) fn replace(&mut self, text: &str) -> Answer<Applied> {
        let (method, route, body) = (Method::PUT, CONFIGURATION, text.as_bytes().to_vec());
        self.ask(Ask { method, route, media: TEXT, body, base: None })
    }

    /// Puts the lines of a text on top of what runs.
    pub(super) fn merge(&mut self, text: String) -> Answer<Applied> {
        let (method, route) = (Method::PATCH, CONFIGURATION);
        self.ask(Ask { method, route, media: TEXT, body: text.into_bytes(), base: None })
    }

    /// Makes what runs what the daemon begins with.
    pub(super) fn save(&mut self) -> Answer<()> {
        self.call(Method::POST, "/v1/configuration/startup", &())
    }

    /// What runs comes back after a time, unless that is confirmed.
    pub(super) fn revert_in(&mut self, after: Duration) -> Answer<()> {
        let seconds = u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
        let timer = RevertTimer { seconds };
        self.call(Method::PUT, "/v1/configuration/revert", &timer)
            .map(|_: Option<PendingRevert>| ())
    }

    /// What runs stays.
    pub(super) fn confirm(&mut self) -> Answer<()> {
        self.call(Method::POST, "/v1/configuration/confirm", &())
    }

    /// What runs, with its keys.
    pub(super) fn running_text(&mut self) -> Answer<String> {
        self.text("/v1/configuration/text?keys=true")
    }

    fn text(&mut self, route: &str) -> Answer<String> {
        let socket = self.socket.clone();
        let octets =
            self.wait(
                async move { client::text(&socket, route).await.map_err(|error| plain(&error)) },
            )?;
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    fn ask(&mut self, ask: Ask<'_>) -> Answer<Applied> {
        let answer = self.send(ask)?;
        self.applied(answer)
    }

    fn send(&mut self, ask: Ask<'_>) -> Answer<Result<Bytes, ClientError>> {
        let socket = self.socket.clone();
        self.wait(async move { Ok(client::ask(&socket, ask).await) })
    }

    fn applied(&mut self, answer: Result<Bytes, ClientError>) -> Answer<Applied> {
        match answer {
            Ok(octets) => serde_json::from_slice(&octets).map_err(|error| told(&error.to_string())),
            Err(ClientError::Change(problem)) => Err(self.refused(&problem)),
            Err(error) => Err(plain(&error)),
        }
    }

    /// A conflict is told in the time of the daemon's zone.
    fn refused(&mut self, problem: &Problem) -> Said {
        let Some(with) = &problem.conflict else { return told(&problem.error) };
        let zone = self.system().map(|system| system.zone).unwrap_or_default();
        conflict(with, &zone)
    }
}

/// Nothing was lost, and nothing of somebody else's was overwritten.
fn conflict(with: &Conflict, zone: &Zone) -> Said {
    let Conflict { revision, by, at_unix_ms } = with;
    let at = zone.calendar(*at_unix_ms);
    let text = format!(
        "% The configuration was changed by {by} at {at}: it is revision {revision} now.\n\
         % This line was not applied. To apply it on top of that change, enter it again.\n"
    );
    Said { text, revision: Some(*revision) }
}

async fn exec(socket: PathBuf, command: String) -> Answer<String> {
    let request = ExecRequest { command };
    let reply = client::call(&socket, Method::POST, "/v1/exec", &request).await;
    match reply {
        Ok(ExecReply { output, follow: false }) => Ok(output),
        Ok(ExecReply { output, follow: true }) => Ok(output + &follow(&socket).await?),
        Err(error) => Err(plain(&error)),
    }
}

/// The daemon is being replaced; the next one tells how that ended. It has the same socket, but for
/// an instant a question may meet the old one, which takes it along.
async fn follow(socket: &Path) -> Answer<String> {
    let begun = Instant::now();
    loop {
        let asked = client::get(socket, "/v1/reload");
        let Ok(reply) = tokio::time::timeout(LONGEST_RELOAD, asked).await else {
            return Err(told(&format!("no answer within {} s", LONGEST_RELOAD.as_secs())));
        };
        match reply {
            Ok(ExecReply { output, .. }) => return Ok(output),
            Err(error @ (ClientError::Connect { .. } | ClientError::Transport(_))) => {
                if begun.elapsed() > COMING_BACK {
                    return Err(plain(&error));
                }
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(plain(&error)),
        }
    }
}

fn plain(error: &ClientError) -> Said {
    told(&error.to_string())
}

/// As IOS says it: behind a `%`, except for a line that is shown with its caret.
fn told(text: &str) -> Said {
    let has_mark = text.lines().any(|line| line.starts_with('%') || line.contains(": % "));
    let mark = if has_mark { "" } else { "% " };
    Said::from(format!("{mark}{}\n", text.trim_end()))
}
