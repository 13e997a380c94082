//! Passes the target triple to the programs, and the board's memory map to the linker.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=TARGET={}", std::env::var("TARGET").unwrap_or_default());
    // The linker finds memory.x here.
    println!("cargo::rerun-if-changed=memory.x");
    println!(
        "cargo::rustc-link-search={}",
        std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()
    );
    for programs in ["bins", "tests"] {
        // No gaps between segments: a microcontroller has no pages.
        println!("cargo::rustc-link-arg-{programs}=--nmagic");
        println!("cargo::rustc-link-arg-{programs}=-Tlink.x");
    }
}
