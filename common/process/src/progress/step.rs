//! Messages between a program and the step of a pipeline that runs it (`neuropower step`): lines on
//! the program's stderr that begin with a control character.

use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The environment variable by which a step names itself, with its process ID: it has no meaning
/// for programs further down. The word `terminal` follows if the step can ask a person.
pub const VARIABLE: &str = "NEUROPOWER_STEP";
/// The first character of a message: the record separator of ASCII.
const MARK: char = '\u{1e}';
/// Shortest time between two messages without an event.
const INTERVAL: Duration = Duration::from_millis(100);

/// A message to the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// The progress so far.
    Progress {
        /// Share of the program's work that is done, 0 to 1.
        share: f64,
        /// Time that the rest takes, in seconds, where it is known.
        left_s: Option<f64>,
        /// What has happened last; `None` for nothing new.
        event: Option<String>,
    },
    /// A question to the person at the terminal, who answers on the program's stdin.
    Question(String),
}

impl Message {
    /// Returns the line of this message, with its end.
    fn to_line(&self) -> Option<String> {
        serde_json::to_string(self).ok().map(|json| format!("{MARK}{json}\n"))
    }

    /// Returns the message of a line; `None` for other lines.
    pub fn of_line(line: &str) -> Option<Message> {
        serde_json::from_str(line.strip_prefix(MARK)?).ok()
    }

    fn send(&self) {
        if let Some(line) = self.to_line() {
            // In one call, so that no other thread's line is inside. If the step is gone, nobody
            // needs to know.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }
}

/// Returns the value of [`VARIABLE`] for the programs of this process.
pub fn variable() -> String {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    format!("{}{}", std::process::id(), if terminal { " terminal" } else { "" })
}

/// Returns whether a step runs this program, and whether it can ask a person.
fn parent() -> Option<bool> {
    let value = std::env::var(VARIABLE).ok()?;
    let (id, terminal) = value.split_once(' ').unwrap_or((&value, ""));
    (id == std::os::unix::process::parent_id().to_string()).then_some(terminal == "terminal")
}

/// Returns whether a step runs this program.
pub(crate) fn is_parent() -> bool {
    parent().is_some()
}

/// Returns whether a step runs this program that can ask a person.
pub fn can_ask() -> bool {
    parent() == Some(true)
}

/// Asks the person at the step's terminal.
pub(super) fn ask(question: &str) {
    Message::Question(question.to_string()).send();
}

/// Sends the progress of this program to the step that runs it.
#[derive(Debug)]
pub(super) struct Sender {
    last: Mutex<Option<Instant>>,
}

impl Sender {
    /// Returns `None` if no step runs this program.
    pub(super) fn new() -> Option<Sender> {
        parent().map(|_| Sender { last: Mutex::new(None) })
    }

    /// Sends the progress, unless it was sent a moment ago and there is no event.
    pub(super) fn send(&self, share: f64, left: Option<Duration>, event: Option<&str>) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if event.is_none() && last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        *last = Some(Instant::now());
        let left_s = left.map(|left| left.as_secs_f64());
        Message::Progress { share, left_s, event: event.map(str::to_string) }.send();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_marked_line() {
        let event = Some("round 1\nof 2".to_string());
        for message in [
            Message::Progress { share: 0.25, left_s: Some(3.5), event },
            Message::Question("Watts?".to_string()),
        ] {
            let line = message.to_line().unwrap();
            assert_eq!(line.lines().count(), 1);
            assert_eq!(Message::of_line(line.trim_end()), Some(message));
        }
        assert_eq!(Message::of_line("{\"question\":\"Watts?\"}"), None);
        assert_eq!(Message::of_line("\u{1e}none"), None);
    }
}
