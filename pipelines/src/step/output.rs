//! Reads what a command prints: all of it goes into the log, but messages of progress.

use super::log::Log;
use process::child::Guarded;
use process::progress::step::Message;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longest line that is read as one, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// Time for which the output of an ended command is read: processes that it left behind may hold
/// the pipes open.
const AFTER_END: Duration = Duration::from_secs(2);

/// Something of the output that a person may see.
#[derive(Debug)]
pub(super) enum Shown {
    Message(Message),
    /// A line of stderr.
    Line(String),
}

/// The output of a running command.
#[derive(Debug)]
pub(super) struct Output(Receiver<Shown>);

impl Output {
    /// Reads the pipes of a command in threads, to their ends.
    pub(super) fn read(child: &mut Guarded, log: Log) -> Output {
        let (stdout, stderr) = child.take_outputs();
        let (send, shown) = channel();
        // Without a second handle, stdout is read and dropped: the command must not wait.
        let mut second = log.try_clone().ok();
        if let Some(stdout) = stdout {
            // Holds the channel open until stdout is at its end, too.
            let send = send.clone();
            thread::spawn(move || {
                each_line(stdout, |line| second.iter_mut().for_each(|log| log.line(&line)));
                drop(send);
            });
        }
        if let Some(stderr) = stderr {
            thread::spawn(move || read_stderr(stderr, log, &send));
        }
        Output(shown)
    }

    /// Waits for something to show; `None` if nothing comes within `limit`.
    pub(super) fn next(&self, limit: Duration) -> Option<Shown> {
        let started = Instant::now();
        let shown = self.0.recv_timeout(limit).ok();
        if shown.is_none() {
            // Both pipes may be closed while the command runs.
            thread::sleep(limit.saturating_sub(started.elapsed()));
        }
        shown
    }

    /// Returns what a command that has ended still printed.
    pub(super) fn rest(&self) -> impl Iterator<Item = Shown> {
        let end = Instant::now() + AFTER_END;
        std::iter::from_fn(move || {
            self.0.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
        })
    }
}

fn read_stderr(stderr: impl Read, mut log: Log, send: &Sender<Shown>) {
    each_line(stderr, |line| {
        let shown = match Message::of_line(&line) {
            Some(message) => Shown::Message(message),
            None => {
                log.line(&line);
                Shown::Line(line)
            }
        };
        // Nothing receives any more if the step is ending; the log is still written.
        let _ = send.send(shown);
    });
}

/// Calls `on_line` with each line. Bytes that are no text are replaced.
fn each_line(pipe: impl Read, mut on_line: impl FnMut(String)) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
        on_line(String::from_utf8_lossy(&line).trim_end().to_string());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_text_without_ends() {
        let mut lines = vec![];
        each_line(&b"one\r\n\xfftwo\n\nlast"[..], |line| lines.push(line));
        assert_eq!(lines, ["one", "\u{fffd}two", "", "last"]);
        let mut long = vec![];
        each_line(std::io::repeat(b'x').take(MAX_LINE + 1), |line| long.push(line.len() as u64));
        assert_eq!(long, [MAX_LINE, 1]);
    }
}
