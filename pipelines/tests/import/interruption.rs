//! Imports that are interrupted, killed or disturbed.

use crate::place::{Place, Said, colour};
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Makes enough work for an interruption.
fn with_large_pictures() -> Place {
    let place = Place::new();
    let large = |seed: u8| {
        let pixel = |x: u32, y: u32| image::Rgb([(x * 3 + y) as u8, (x ^ y) as u8, seed]);
        let image = image::RgbImage::from_fn(900, 700, pixel);
        crate::place::png(&image::DynamicImage::ImageRgb8(image))
    };
    for i in 0..24 {
        place.write(&format!("leaves/{}/{i}.png", ["a", "b"][i % 2]), &large(i as u8));
    }
    place
}

fn signal(signal: &str, process: u32) {
    // A shell has a `kill` of its own; the program is not on every machine.
    let kill = format!("kill -{signal} {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Whatever the moment of a signal: there is no copy or a whole one, and the same command makes the
/// copy of an undisturbed import.
#[test]
fn an_interrupted_import_leaves_no_half_copy() {
    let place = with_large_pictures();
    place.imported(&[]);
    let undisturbed = place.copy();
    let mut interrupted = 0;
    for (round, name) in ["INT", "KILL", "TERM", "KILL", "HUP", "KILL"].into_iter().enumerate() {
        fs::remove_dir_all(place.path("copy")).unwrap();
        let mut command = Command::new("env");
        // The tests may run with signals ignored.
        command.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_fetch-data")]);
        command.args(["import", "leaves", "--out", "copy"]).current_dir(place.dir.path());
        let running = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        while !place.path("copy").exists() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(40 * round as u64));
        signal(name, running.id());
        let said = Said::of(&running.wait_with_output().unwrap());
        // Comes last: without it, the next import makes the copy again.
        if place.path("copy/files.json").exists() {
            assert_eq!(place.copy(), undisturbed, "{name}: {}", said.err);
        } else {
            interrupted += 1;
            if name != "KILL" {
                assert!(said.error().contains("interrupted; nothing was changed"), "{}", said.err);
                assert!(!place.path("copy").exists());
            }
        }
        place.imported(&[]);
        assert_eq!(place.copy(), undisturbed, "{name}");
        let left: Vec<_> = fs::read_dir(place.path("copy")).unwrap().collect();
        assert_eq!(left.len(), undisturbed.len(), "{left:?}");
    }
    assert!(interrupted > 0, "no signal came in time");
}

/// A copy whose files are not of one import is made again, and the user's changes are kept.
#[test]
fn an_update_that_was_cut_off_is_repaired() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let text = fs::read_to_string(place.path("copy/dataset.json")).unwrap();
    fs::write(place.path("copy/dataset.json"), text.replace("\"oak\"", "\"Eiche\"")).unwrap();
    place.write("leaves/oak/new.png", &colour(200));
    place.imported(&["--keep"]);
    // As after the first renames.
    place.rename("copy/files.json", "copy/files.json.old");
    fs::write(place.path("copy/train-images"), "of the next import").unwrap();
    let said = place.imported(&[]);
    assert!(said.err.contains("the copy is incomplete and is made again"), "{}", said.err);
    assert_eq!(place.dataset().classes, ["birch", "Eiche", "pine"]);
    let repaired = place.copy();
    place.imported(&[]);
    assert_eq!(place.copy(), repaired);
    assert!(!place.path("copy/files.json.old").exists());
    fs::write(place.path("copy/files.json"), "{").unwrap();
    let error = place.refused(&[]);
    assert!(error.contains("remove the folder copy to make the copy again"), "{error}");
}

#[test]
fn one_import_at_a_time_works_in_a_folder() {
    let place = Place::with_leaves();
    fs::create_dir(place.path("copy")).unwrap();
    let other = File::open(place.path("copy")).unwrap();
    other.lock().unwrap();
    let running = place
        .command()
        .args(["import", "leaves", "--out", "copy"])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sleep(Duration::from_millis(300));
    assert!(!place.path("copy/dataset.json").exists());
    drop(other);
    let said = Said::of(&running.wait_with_output().unwrap());
    assert!(said.err.starts_with("copy: waiting for another fetch-data to end\n"), "{}", said.err);
    assert_eq!(said.code, 0, "{}", said.err);
}
