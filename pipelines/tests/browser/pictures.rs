//! Pictures of a page, for looking at them and for the README.

use crate::driver::Page;
use crate::tools;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// `PAGE=FILE PICTURES=DIR cargo test --release -p pipelines --test browser -- --ignored pictures`
#[test]
#[ignore = "writes pictures of the page PAGE into the folder PICTURES"]
fn pictures() {
    let path = |name: &str| {
        PathBuf::from(env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")))
    };
    let (file, folder) = (fs::canonicalize(path("PAGE")).unwrap(), path("PICTURES"));
    fs::create_dir_all(&folder).unwrap();
    let chromium = tools::tool("chromium", "pictures of the page").unwrap();
    let page = Page::new(&chromium, true);
    let write = |name: &str, content: Vec<u8>| fs::write(folder.join(name), content).unwrap();
    for scheme in ["light", "dark"] {
        for width in [360, 900, 1440] {
            page.set_medium(width, "screen", scheme);
            page.open(&file);
            write(&format!("page-{width}-{scheme}.png"), page.picture(None));
        }
    }
    page.set_medium(1200, "screen", "light");
    page.open(&file);
    // Down to the plane of networks.
    let end = page
        .json("Math.ceil(document.getElementById('plane').getBoundingClientRect().bottom + 12)");
    write("page.png", page.picture(end.as_u64().map(|end| end as u32)));
    page.set_medium(1200, "print", "light");
    write("page.pdf", page.pdf());
    check(&folder);
}

fn check(folder: &Path) {
    assert!(fs::metadata(folder.join("page.png")).unwrap().len() > 10_000);
}
