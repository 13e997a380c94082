//! Copies of tensors from a device to the host and back, all in one transfer: hundreds of small
//! transfers would each wait for the device.

use candle_core::{Device, Result, Tensor, Var};

/// Copies tensors to the CPU. Tensors that are there already are returned without a copy.
///
/// # Errors
/// Fails if the device reports an error.
pub(super) fn to_host(tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    if tensors.iter().all(|tensor| tensor.device().is_cpu()) {
        return Ok(tensors.to_vec());
    }
    copy_to_host(tensors)
}

/// Sets variables to the current values of the tensors that [`to_host`] returned for them.
///
/// # Errors
/// Fails if the device reports an error.
pub(super) fn from_host(tensors: &[Tensor], vars: &[&Var]) -> Result<()> {
    if vars.iter().all(|var| var.device().is_cpu()) {
        return Ok(());
    }
    assign(tensors, vars)
}

fn copy_to_host(tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    let all = joined(tensors)?.to_device(&Device::Cpu)?;
    let mut start = 0;
    let part = |tensor: &Tensor| {
        let part = all.narrow(0, start, tensor.elem_count())?.reshape(tensor.shape());
        start += tensor.elem_count();
        part
    };
    tensors.iter().map(part).collect()
}

fn assign(tensors: &[Tensor], vars: &[&Var]) -> Result<()> {
    let Some(first) = vars.first() else { return Ok(()) };
    let all = joined(tensors)?.to_device(first.device())?;
    let mut start = 0;
    for var in vars {
        var.set(&all.narrow(0, start, var.elem_count())?.reshape(var.shape())?)?;
        start += var.elem_count();
    }
    Ok(())
}

fn joined(tensors: &[Tensor]) -> Result<Tensor> {
    let flat =
        tensors.iter().map(|tensor| tensor.detach().flatten_all()).collect::<Result<Vec<_>>>()?;
    // `cat` of a single tensor would not copy it.
    Tensor::cat(&flat, 0)?.copy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_their_values_in_both_directions() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let tensor = |from: usize, shape: &[usize]| {
            let count: usize = shape.iter().product();
            Tensor::from_slice(&values[from..][..count], shape, &Device::Cpu).unwrap()
        };
        // The second one is not contiguous.
        let tensors = [tensor(0, &[2, 3]), tensor(6, &[4, 3]).t().unwrap(), tensor(18, &[5])];
        let vars: Vec<Var> = tensors
            .iter()
            .map(|tensor| Var::from_tensor(&tensor.zeros_like().unwrap()).unwrap())
            .collect();
        let copies = copy_to_host(&tensors).unwrap();
        assign(&copies, &vars.iter().collect::<Vec<_>>()).unwrap();
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for ((tensor, copy), var) in tensors.iter().zip(&copies).zip(&vars) {
            assert_eq!((flat(copy), copy.dims()), (flat(tensor), tensor.dims()));
            assert_eq!(flat(var), flat(tensor));
        }
        // On the CPU nothing is copied.
        assert!(to_host(&tensors).unwrap().iter().zip(&tensors).all(|(a, b)| a.id() == b.id()));
    }
}
