//! The vector instructions of x86-64, on groups of four channels.
//!
//! `unsafe` has two reasons only. Instructions beyond the baseline may be used because each function
//! takes a value that `detect` alone makes, after it has checked that processor and operating
//! system support them. Loads and stores go through pointers of slices whose length was checked
//! just before.
#![allow(unsafe_code)]

pub mod avx2;
pub mod avx512;
