//! Operations whose result and gradient are both computed with Candle's operations: the gradient by
//! a rule that is given, from the arguments alone, so that no intermediate value is kept for it.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail,
};
use std::sync::{Mutex, PoisonError};

/// `value`, as a function of `argument` whose gradient `backward(argument, gradient of value)`
/// tells. `value` must be contiguous.
pub(super) fn of_one(
    argument: &Tensor,
    value: Tensor,
    backward: impl Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    argument.apply_op1(Given { value: Value::new(value), backward })
}

/// The same of three arguments.
pub(super) fn of_three(
    arguments: [&Tensor; 3],
    value: Tensor,
    backward: impl Fn([&Tensor; 3], &Tensor) -> Result<[Tensor; 3]> + Send + Sync + 'static,
) -> Result<Tensor> {
    let [first, second, third] = arguments;
    first.apply_op3(second, third, Given { value: Value::new(value), backward })
}

struct Given<F> {
    value: Value,
    backward: F,
}

/// A tensor that is taken once. Candle lets an operation make a storage and not a tensor: the value
/// is copied.
struct Value(Mutex<Option<Tensor>>);

impl Value {
    fn new(value: Tensor) -> Value {
        Value(Mutex::new(Some(value)))
    }

    /// Takes the value; `copy` makes a storage of the device's kind of it.
    fn take<S>(&self, copy: impl FnOnce(&Storage, &Layout) -> Result<S>) -> Result<(S, Shape)> {
        let Some(value) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("a value was taken twice");
        };
        let (storage, layout) = value.storage_and_layout();
        if layout.contiguous_offsets() != Some((0, value.elem_count())) {
            bail!("a value must be contiguous");
        }
        Ok((copy(&storage, layout)?, value.shape().clone()))
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cpu(storage) => storage.try_clone(layout),
            Storage::Cuda(_) | Storage::Metal(_) => bail!("a value is not where its arguments are"),
        })
    }

    fn on_gpu(&self) -> Result<(CudaStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cuda(storage) => storage.try_clone(layout),
            Storage::Cpu(_) | Storage::Metal(_) => bail!("a value is not where its arguments are"),
        })
    }
}

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync> CustomOp1 for Given<F> {
    fn name(&self) -> &'static str {
        "given-of-one"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.value.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.value.on_gpu()
    }

    fn bwd(&self, argument: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((self.backward)(&argument.detach(), gradient)?))
    }
}

impl<F: Fn([&Tensor; 3], &Tensor) -> Result<[Tensor; 3]> + Send + Sync> CustomOp3 for Given<F> {
    fn name(&self) -> &'static str {
        "given-of-three"
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
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [a, b, c] =
            (self.backward)([&first.detach(), &second.detach(), &third.detach()], gradient)?;
        Ok((Some(a), Some(b), Some(c)))
    }
}
