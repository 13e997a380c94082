//! Operations whose result and gradient are both computed by Candle's operations. The gradient
//! follows a given formula and depends on the arguments alone, so no intermediate value is kept for
//! the backward pass.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail,
};
use std::sync::{Mutex, PoisonError};

/// Makes `value` a function of `argument` with the gradient `backward(argument, gradient of
/// value)`. `value` must be contiguous.
///
/// # Errors
/// Fails if `value` is not contiguous or on another device than `argument`.
pub(super) fn unary(
    argument: &Tensor,
    value: Tensor,
    backward: impl Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    argument.apply_op1(CustomGrad { value: Value::new(value), backward })
}

/// Makes `value` a function of three arguments, as [`unary`] does for one.
///
/// # Errors
/// Fails if `value` is not contiguous or on another device than the arguments.
pub(super) fn ternary(
    arguments: [&Tensor; 3],
    value: Tensor,
    backward: impl Fn([&Tensor; 3], &Tensor) -> Result<[Tensor; 3]> + Send + Sync + 'static,
) -> Result<Tensor> {
    let [first, second, third] = arguments;
    first.apply_op3(second, third, CustomGrad { value: Value::new(value), backward })
}

struct CustomGrad<F> {
    value: Value,
    backward: F,
}

/// A tensor that is taken once. Candle expects a storage from an operation and not a tensor, so the
/// value is copied.
struct Value(Mutex<Option<Tensor>>);

impl Value {
    fn new(value: Tensor) -> Value {
        Value(Mutex::new(Some(value)))
    }

    /// Takes the value; `copy` copies its storage on the device.
    fn take<S>(&self, copy: impl FnOnce(&Storage, &Layout) -> Result<S>) -> Result<(S, Shape)> {
        let Some(value) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("the value of a custom operation was taken twice");
        };
        let (storage, layout) = value.storage_and_layout();
        if layout.contiguous_offsets() != Some((0, value.elem_count())) {
            bail!("the value of a custom operation must be contiguous");
        }
        Ok((copy(&storage, layout)?, value.shape().clone()))
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cpu(storage) => storage.try_clone(layout),
            Storage::Cuda(_) | Storage::Metal(_) => bail!("{WRONG_DEVICE}"),
        })
    }

    fn on_gpu(&self) -> Result<(CudaStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cuda(storage) => storage.try_clone(layout),
            Storage::Cpu(_) | Storage::Metal(_) => bail!("{WRONG_DEVICE}"),
        })
    }
}

const WRONG_DEVICE: &str = "the value of a custom operation is not on the device of its arguments";

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync> CustomOp1 for CustomGrad<F> {
    fn name(&self) -> &'static str {
        "custom-grad-unary"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.value.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.value.on_gpu()
    }

    fn bwd(&self, argument: &Tensor, _: &Tensor, grad_output: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((self.backward)(&argument.detach(), grad_output)?))
    }
}

impl<F: Fn([&Tensor; 3], &Tensor) -> Result<[Tensor; 3]> + Send + Sync> CustomOp3
    for CustomGrad<F>
{
    fn name(&self) -> &'static str {
        "custom-grad-ternary"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.value.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.value.on_gpu()
    }

    fn bwd(
        &self,
        first: &Tensor,
        second: &Tensor,
        third: &Tensor,
        _: &Tensor,
        grad_output: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [a, b, c] =
            (self.backward)([&first.detach(), &second.detach(), &third.detach()], grad_output)?;
        Ok((Some(a), Some(b), Some(c)))
    }
}
