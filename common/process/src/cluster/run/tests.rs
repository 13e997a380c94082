//! A scheduler of three functions, without any of Slurm's programs: each task is a process here.

use super::*;
use crate::cluster::scheduler::QueuedArray;
use anyhow::{bail, ensure};
use std::cell::RefCell;
use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

/// Processes by the marks of their arrays.
#[derive(Debug, Default)]
struct Processes {
    arrays: BTreeMap<String, Vec<Child>>,
    /// Marks of arrays that were cancelled.
    cancelled: Vec<String>,
    /// Largest number of processes at a time.
    room: usize,
    /// Number of calls of `poll` that are not answered.
    silent: usize,
    /// Whether the answer to the next accepted array is lost.
    loses: bool,
}

/// A script that ends soon after the shell that runs it.
const WAITS: &str = "while kill -0 $PPID 2>/dev/null; do sleep 0.05; done";

/// The stub; the test looks at its processes.
#[derive(Debug, Clone)]
struct Stub(Rc<RefCell<Processes>>);

impl Scheduler for Stub {
    fn submit(&mut self, array: &Array<'_>) -> Result<Answer> {
        let mut stub = self.0.borrow_mut();
        let running: usize = stub.arrays.values_mut().map(|array| live(array).len()).sum();
        let tasks = array.tasks.len().min(stub.room - running);
        if tasks == 0 {
            return Ok(Answer::Full("all places are taken".into()));
        }
        let start = |task: usize| {
            let mut sh = Command::new("sh");
            sh.arg(array.folder.join("run.sh")).arg(task.to_string());
            sh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let children = array.tasks.clone().take(tasks).map(start).collect();
        stub.arrays.insert(array.mark.to_string(), children);
        match std::mem::take(&mut stub.loses) {
            true => Ok(Answer::Unanswered { tasks, reason: "no answer".into() }),
            false => Ok(Answer::Accepted { job: array.mark.to_string(), tasks }),
        }
    }

    fn poll(&mut self, marks: &[String]) -> Result<Queue> {
        let mut stub = self.0.borrow_mut();
        if stub.silent > 0 {
            stub.silent -= 1;
            bail!("the stub does not answer");
        }
        let known = stub.arrays.iter_mut().filter(|(mark, _)| marks.contains(mark));
        let arrays = known.map(|(mark, children)| {
            let live = live(children).into_iter().map(|task| task..task + 1).collect();
            (mark.clone(), QueuedArray { job: mark.clone(), live, ..QueuedArray::default() })
        });
        Ok(Queue { arrays: arrays.collect() })
    }

    fn cancel(&mut self, marks: &[String]) -> Result<()> {
        let mut stub = self.0.borrow_mut();
        for mark in marks {
            for child in stub.arrays.get_mut(mark).into_iter().flatten() {
                let _ = child.kill();
                let _ = child.wait();
            }
            stub.cancelled.push(mark.clone());
        }
        Ok(())
    }
}

fn live(children: &mut [Child]) -> Vec<usize> {
    let children = children.iter_mut().enumerate();
    children
        .filter_map(|(task, child)| child.try_wait().unwrap().is_none().then_some(task))
        .collect()
}

/// Returns the stub with some places, and a run with it.
fn cluster(folder: &Path, room: usize) -> (Stub, Cluster<Stub>) {
    let processes = Processes { room, ..Processes::default() };
    let stub = Stub(Rc::new(RefCell::new(processes)));
    let environment = vec![("COLOUR".to_string(), "light 'blue'".to_string())];
    let common = Common { folder: folder.join("batches"), file_wait: Duration::ZERO, environment };
    let run = Cluster::begin(stub.clone(), common, &Interrupt::new("")).unwrap();
    (stub, run)
}

/// Returns a job that runs a script.
fn job(folder: &Path, name: &str, script: &str) -> Job {
    let command = ["sh", "-c", script, name].map(OsString::from).into();
    Job { command, log: folder.join(format!("{name}.log")) }
}

/// Waits for the end of all jobs.
fn ends(run: &mut Cluster<Stub>) -> Result<BTreeMap<usize, End>> {
    let mut ends = BTreeMap::new();
    while !run.is_idle() {
        for (key, end) in run.poll()? {
            ensure!(ends.insert(key, end).is_none(), "{key} ended twice");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(ends)
}

#[test]
fn three_functions_suffice_for_another_scheduler() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("a b'$(touch x)");
    std::fs::create_dir(&dir).unwrap();
    let (stub, mut run) = cluster(&dir, 2);
    let scripts = ["exit 0", "exit 3", "kill -9 $$", "kill -9 $PPID $$", "echo $COLOUR >&2", ""];
    let jobs = scripts.iter().enumerate();
    let jobs: Vec<(usize, Job)> =
        jobs.map(|(key, script)| (key + 10, job(&dir, &format!("j{key}"), script))).collect();
    stub.0.borrow_mut().silent = 1;
    run.submit(&jobs, 1).unwrap();
    let mut ends = ends(&mut run).unwrap();
    let lost = ends.remove(&13).unwrap();
    assert!(matches!(&lost, End::Lost(why) if why.contains("is not in the queue")), "{lost:?}");
    let others: Vec<End> = ends.into_values().collect();
    let code = End::Code;
    assert_eq!(others, [code(0), code(3), End::Signal(9), code(0), code(0)]);
    let log = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(log("j4.log"), "light 'blue'\n");
    // At most two at a time, so there were several arrays.
    assert!(stub.0.borrow().arrays.len() >= 3);
    // Nothing is left of the batch, and nothing was cancelled.
    assert_eq!(std::fs::read_dir(dir.join("batches")).unwrap().count(), 0);
    drop(run);
    assert_eq!(stub.0.borrow().cancelled, [""; 0]);
}

#[test]
fn an_array_without_an_answer_is_found_by_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let (stub, mut run) = cluster(dir.path(), 9);
    stub.0.borrow_mut().loses = true;
    let script = format!("echo x >> '{}'", dir.path().join("runs").display());
    run.submit(&[(1, job(dir.path(), "a", &script)), (2, job(dir.path(), "b", &script))], 2)
        .unwrap();
    assert_eq!(ends(&mut run).unwrap(), BTreeMap::from([(1, End::Code(0)), (2, End::Code(0))]));
    assert_eq!(stub.0.borrow().arrays.len(), 1);
    assert_eq!(std::fs::read_to_string(dir.path().join("runs")).unwrap(), "x\nx\n");
}

#[test]
fn tasks_end_with_the_run_or_before_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let (stub, mut run) = cluster(dir.path(), 9);
    run.submit(&[(1, job(dir.path(), "a", WAITS))], 1).unwrap();
    let marks = run.marks();
    drop(run);
    assert_eq!(stub.0.borrow().cancelled, marks);
    // As if that run had been killed.
    let (stub, mut run) = cluster(dir.path(), 9);
    run.submit(&[(1, job(dir.path(), "a", WAITS))], 1).unwrap();
    let marks = run.marks();
    std::mem::forget(run);
    let common = Common {
        folder: dir.path().join("batches"),
        file_wait: Duration::ZERO,
        environment: vec![],
    };
    let next = Cluster::begin(stub.clone(), common, &Interrupt::new("")).unwrap();
    assert_eq!(stub.0.borrow().cancelled, marks);
    assert!(next.is_idle());
}
