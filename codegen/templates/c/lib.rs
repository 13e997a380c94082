//! `__NAME__` for C: the functions that `include/__LIBRARY__.h` declares.
//!
//! Pointers, sizes and alignments are checked before anything is read or written. The caller's
//! duties, which no check can see, are in the header.
__NO_STD__#![warn(missing_docs)]

use core::ffi::{c_int, c_void};
__USES__
use __LIBRARY__::{__IMPORTS__};

const OK: c_int = 0;
const NULL_POINTER: c_int = 1;
const WRONG_IMAGE_SIZE: c_int = 2;
const WRONG_LOGITS_SIZE: c_int = 3;
const MISALIGNED: c_int = 4;
const MISALIGNED_ARENA: c_int = 5;
const ARENA_TOO_SMALL: c_int = 6;

// The header has these numbers.
const _: () = assert!(size_of::<Arena>() == __ARENA_BYTES__);
const _: () = assert!(align_of::<Arena>() == __ARENA_ALIGNMENT__);

/// Computes the logits of an image, and returns 0 or the code of what is wrong with the arguments.
///
/// # Safety
/// Pointers that are not null lead to memory of the sizes that are given, which nothing else writes
/// meanwhile and which does not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __LIBRARY___infer(
    image: *const __ELEMENT__,
    n: usize,
    logits: *mut __LOGIT__,
    m: usize,
    arena: *mut c_void,
    bytes: usize,
) -> c_int {
    if image.is_null() || logits.is_null() || arena.is_null() {
        return NULL_POINTER;
    }
    if n != INPUT_LEN {
        return WRONG_IMAGE_SIZE;
    }
    if m != CLASSES.len() {
        return WRONG_LOGITS_SIZE;
    }
    let (image, logits) = (image.cast::<Input>(), logits.cast::<Output>());
    let arena = arena.cast::<Arena>();
    if !image.is_aligned() || !logits.is_aligned() {
        return MISALIGNED;
    }
    if !arena.is_aligned() {
        return MISALIGNED_ARENA;
    }
    if bytes < size_of::<Arena>() {
        return ARENA_TOO_SMALL;
    }
    // SAFETY: the pointers are aligned and not null, the caller owns as much memory behind each as
    // was just compared with the types, and any bytes are numbers.
    let (image, logits, arena) = unsafe { (&*image, &mut *logits, &mut *arena) };
    model().forward(arena, image, logits);
    OK
}
__NORMALISE__
__MODEL__