//! Tells the programs which target they are built for, and the linker what the board's memory is.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=TARGET={}", std::env::var("TARGET").unwrap_or_default());
    // Here the linker finds memory.x.
    println!("cargo::rerun-if-changed=memory.x");
    println!(
        "cargo::rustc-link-search={}",
        std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()
    );
    for programs in ["bins", "tests"] {
        // Without gaps for pages, which a microcontroller does not have.
        println!("cargo::rustc-link-arg-{programs}=--nmagic");
        println!("cargo::rustc-link-arg-{programs}=-Tlink.x");
    }
}
