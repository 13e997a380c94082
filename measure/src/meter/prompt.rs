//! The meter `manual` at a terminal: the person there is asked what a wall meter shows.

use crate::interrupt::INTERRUPT;
use anyhow::{Context, Result};
use common::measurement::manual_reading::ManualReading;
use process::progress::{self, step};
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

/// Returns whether a person can be asked at a terminal.
pub(crate) fn at_a_terminal() -> bool {
    std::io::stdin().is_terminal() && (std::io::stderr().is_terminal() || step::can_ask())
}

/// A source of answers to questions.
pub(crate) trait Answers {
    /// Asks a question and returns the answer without surrounding spaces; `None` if the input has
    /// ended.
    ///
    /// # Errors
    /// Fails if the answer cannot be read, or if a termination signal has been received.
    fn ask(&mut self, question: &str) -> Result<Option<String>>;
}

/// A terminal: questions go to standard error, or to the step of a pipeline that shows them, and
/// answers come from standard input.
#[derive(Debug)]
pub(crate) struct Terminal;

impl Answers for Terminal {
    fn ask(&mut self, question: &str) -> Result<Option<String>> {
        progress::ask(question).context("cannot ask on the terminal")?;
        let (send, answer) = channel();
        // A thread waits for the answer, so that a signal can end the wait.
        thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            let _ = send.send(read.map(|bytes| (bytes > 0).then(|| line.trim().to_string())));
        });
        loop {
            INTERRUPT.check()?;
            match answer.recv_timeout(process::interrupt::POLL) {
                Ok(answer) => return answer.context("cannot read from the terminal"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// A manual reading before the crate has run: all but the power under load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdleReading {
    meter: String,
    read_by: String,
    resolution_w: f64,
    idle_w: f64,
}

/// Asks about the meter and the idle power. Returns `None` if an answer is missing.
///
/// # Errors
/// Fails if [`Answers::ask`] fails.
pub(crate) fn ask_before(answers: &mut dyn Answers) -> Result<Option<IdleReading>> {
    let Some(meter) = answers.ask("Which wall meter is it (Enter alone: no energy)?")? else {
        return Ok(None);
    };
    if meter.is_empty() {
        return Ok(None);
    }
    let Some(read_by) = words(answers, "Who reads it?")? else { return Ok(None) };
    let Some(resolution_w) = number(answers, "The smallest step of its display, in watts?", None)?
    else {
        return Ok(None);
    };
    let idle = number(
        answers,
        "Watts now, while nothing runs? (Then watch it while the windows run.)",
        None,
    )?;
    Ok(idle.map(|idle_w| IdleReading { meter, read_by, resolution_w, idle_w }))
}

/// The run of a crate during which the meter was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunFacts<'a> {
    /// The crate's name.
    pub(crate) name: &'a str,
    /// SHA-256 of its binary.
    pub(crate) binary_sha256: &'a str,
    /// Length of all its windows together, in seconds.
    pub(crate) windows_s: f64,
}

/// Asks for the power while the crate ran. Returns `None` if an answer is missing.
///
/// # Errors
/// Fails if [`Answers::ask`] fails.
pub(crate) fn ask_after(
    answers: &mut dyn Answers,
    idle: IdleReading,
    run: RunFacts,
) -> Result<Option<ManualReading>> {
    let IdleReading { meter, read_by, resolution_w, idle_w } = idle;
    let windows_s = run.windows_s;
    let Some(load_w) = number(answers, "Watts while the windows ran?", None)? else {
        return Ok(None);
    };
    let question =
        format!("For how many seconds were these watched (Enter alone: {windows_s:.1})?");
    let Some(duration_s) = number(answers, &question, Some(windows_s))? else { return Ok(None) };
    let (name, binary_sha256) = (run.name.to_string(), Some(run.binary_sha256.to_string()));
    Ok(Some(ManualReading {
        name,
        binary_sha256,
        meter,
        read_by,
        idle_w,
        load_w,
        duration_s,
        resolution_w,
    }))
}

/// Asks until the answer is not empty.
fn words(answers: &mut dyn Answers, question: &str) -> Result<Option<String>> {
    loop {
        match answers.ask(question)? {
            Some(answer) if answer.is_empty() => {}
            answer => return Ok(answer),
        }
    }
}

/// Asks until the answer is a number above 0, or is empty and there is a default.
fn number(answers: &mut dyn Answers, question: &str, default: Option<f64>) -> Result<Option<f64>> {
    let mut asked = question.to_string();
    loop {
        let Some(answer) = answers.ask(&asked)? else { return Ok(None) };
        if let Some(default) = default.filter(|_| answer.is_empty()) {
            return Ok(Some(default));
        }
        match answer.parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 => return Ok(Some(number)),
            Ok(_) | Err(_) => {
                asked = format!("{answer:?} is not a number above 0 such as 6.8. {question}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::files::json::Document;

    /// Answers in order, and the questions that were asked.
    struct Script<'a>(std::slice::Iter<'a, &'a str>, Vec<String>);

    impl Answers for Script<'_> {
        fn ask(&mut self, question: &str) -> Result<Option<String>> {
            self.1.push(question.to_string());
            Ok(self.0.next().map(|answer| (*answer).to_string()))
        }
    }

    fn asked(answers: &[&str]) -> (Option<ManualReading>, Vec<String>) {
        let mut script = Script(answers.iter(), vec![]);
        let idle = ask_before(&mut script).unwrap();
        let run = RunFacts { name: "tiny", binary_sha256: "5a", windows_s: 50.0 };
        let reading = idle.and_then(|idle| ask_after(&mut script, idle, run).unwrap());
        (reading, script.1)
    }

    #[test]
    fn everything_that_the_record_needs_is_asked() {
        let (reading, questions) = asked(&["Kill-A-Watt P4400", "Ada", "0.1", "4.0", "7.5", ""]);
        let reading = reading.unwrap();
        reading.check().unwrap();
        assert_eq!(
            (reading.meter.as_str(), reading.read_by.as_str()),
            ("Kill-A-Watt P4400", "Ada")
        );
        let numbers = (reading.resolution_w, reading.idle_w, reading.load_w, reading.duration_s);
        assert_eq!((numbers, reading.name.as_str()), ((0.1, 4.0, 7.5, 50.0), "tiny"));
        assert_eq!(reading.binary_sha256.as_deref(), Some("5a"));
        assert_eq!(questions.len(), 6);
        assert!(
            questions[3].contains("nothing runs") && questions[5].contains("50.0"),
            "{questions:?}"
        );
    }

    #[test]
    fn an_invalid_number_is_asked_for_again() {
        let (reading, questions) =
            asked(&["P", "", "A", "0", "0.1", "-4", "4.0", "many", "7", "inf", "30"]);
        let reading = reading.unwrap();
        assert_eq!(
            (reading.resolution_w, reading.idle_w, reading.load_w, reading.duration_s),
            (0.1, 4.0, 7.0, 30.0)
        );
        assert!(questions[4].contains("\"0\" is not a number above 0"), "{questions:?}");
    }

    #[test]
    fn a_missing_answer_means_no_reading() {
        assert_eq!(asked(&[""]).0, None);
        for answered in 0..6 {
            assert_eq!(asked(&["P", "A", "0.1", "4", "7", "50"][..answered]).0, None, "{answered}");
        }
    }
}
