//! What bytes of a tensor mean.

use anyhow::{Result, ensure};

/// The meaning of a tensor's unsigned bytes: `scale * (byte - zero_point)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// What the names of its two constants begin with.
    pub(super) prefix: String,
    /// Difference of the numbers of neighbouring bytes.
    pub(super) scale: f32,
    /// The byte of 0.
    pub(super) zero_point: u8,
}

impl Unit {
    /// Returns the unit with these numbers.
    pub(super) fn new(prefix: &str, scale: f32, zero_point: u8) -> Unit {
        Unit { prefix: prefix.to_string(), scale, zero_point }
    }

    /// Returns the unit of pixels and of all results of convolutions, whose bytes mean the signed
    /// bytes of the integer reference.
    pub(super) fn reference() -> Unit {
        Unit::new("byte_", 1.0, 128)
    }

    /// Returns the signed byte of the integer reference that means 0: it is less by 128.
    pub(super) fn signed_zero(&self) -> f64 {
        f64::from(self.zero_point) - 128.0
    }
}

/// Returns a scale as f32.
///
/// # Errors
/// Fails if it is not a positive normal number there.
pub(super) fn scale(number: f64) -> Result<f32> {
    let scale = number as f32;
    ensure!(
        scale.is_normal() && scale > 0.0,
        "its scale {number:e} is no positive number of 32 bits, as ONNX has them: train the \
         network further or on more images"
    );
    Ok(scale)
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn scales_are_positive_f32() {
        assert_eq!(scale(0.25).unwrap(), 0.25);
        for number in [0.0, -1.0, 1e-39, 1e39, f64::NAN] {
            assert!(scale(number).is_err(), "{number}");
        }
    }
}
