//! The GPU: its memory, and one inference as a graph that is launched as a whole.
#![allow(unsafe_code)] // The driver is a C library, and kernels get addresses.

use crate::model::{Addresses, Error, Launch, Times};
use cudarc::driver::result::event::elapsed;
use cudarc::driver::result::{launch_kernel, memcpy_dtoh_async, memcpy_htod_async};
use cudarc::driver::{
    CudaContext, CudaEvent, CudaFunction, CudaGraph, CudaModule, CudaSlice, CudaStream, DevicePtr,
    PinnedHostSlice,
};
use cudarc::driver::{DriverError, sys};
use cudarc::nvrtc::Ptx;
use std::ffi::c_void;
use std::sync::Arc;

/// The arguments of a kernel; the same as in `kernels.cu`.
#[repr(C)]
pub(crate) struct Arguments {
    pub(crate) from: u64,
    pub(crate) from_step: i64,
    pub(crate) to: u64,
    pub(crate) to_step: i64,
    pub(crate) norm: u64,
    pub(crate) weights: u64,
    pub(crate) bias: u64,
    pub(crate) channels: i32,
    pub(crate) filters: i32,
}

/// Returns a function that adds the driver's error to a message.
fn failed(what: &str) -> impl Fn(DriverError) -> Error {
    move |error| Error::new(format!("{what}: {}", words(error)))
}

fn words(error: DriverError) -> String {
    let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
    format!("{} ({:?})", text.unwrap_or_default(), error.0)
}

/// A GPU.
pub(crate) struct Gpu {
    context: Arc<CudaContext>,
    pub(crate) compute_capability: (i32, i32),
    name: String,
}

impl Gpu {
    /// Opens the first GPU that is visible to this process.
    pub(crate) fn open() -> Result<Gpu, Error> {
        // SAFETY: the driver's initialisation has no preconditions.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::new(
                "there is no NVIDIA driver on this machine (libcuda.so.1): \
                 install the driver of the GPU",
            ));
        }
        let count = cudarc::driver::result::init().and_then(|()| CudaContext::device_count());
        match count {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => {
                return Err(Error::new(
                    "the NVIDIA driver finds no GPU: is there one, \
                     and does CUDA_VISIBLE_DEVICES let this program see it?",
                ));
            }
            Err(error) => return Err(failed("the NVIDIA driver does not start")(error)),
        }
        let context = CudaContext::new(0).map_err(failed("the GPU cannot be used"))?;
        // SAFETY: all work is done on one stream, in order.
        unsafe { context.disable_event_tracking() };
        let name = context.name().map_err(failed("the GPU does not say its name"))?;
        let compute_capability = context
            .compute_capability()
            .map_err(failed("the GPU does not say its compute capability"))?;
        Ok(Gpu { context, compute_capability, name })
    }

    /// Returns name and compute capability.
    pub(crate) fn description(&self) -> String {
        let (major, minor) = self.compute_capability;
        format!("{}, sm_{major}{minor}", self.name)
    }

    /// Loads code and weights, and allocates images, arenas and logits of these lengths.
    pub(crate) fn load(
        self,
        code: Vec<u8>,
        weights: &[f32],
        lengths: [usize; 3],
    ) -> Result<Device, Error> {
        let Gpu { context, .. } = self;
        let stream = context.new_stream().map_err(failed("the GPU cannot be used"))?;
        let module = context
            .load_module(Ptx::from_binary(code))
            .map_err(failed("the GPU does not take the kernels"))?;
        let [images, arenas, logits] = lengths;
        let bytes = size_of::<f32>() * (weights.len() + images + arenas + logits);
        let too_much =
            format!("the GPU has no {bytes} bytes of memory left; a smaller batch needs less");
        let memory =
            |length: usize| stream.alloc_zeros::<f32>(length.max(1)).map_err(failed(&too_much));
        // SAFETY: the memory is written before it is read, in `Device::record`.
        let host = |length| {
            unsafe { context.alloc_pinned_with_flags::<f32>(length, 0) }.map_err(failed(&too_much))
        };
        let event = || {
            context
                .new_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT))
                .map_err(failed("there is no clock"))
        };
        let mut device = Device {
            module,
            images: memory(images)?,
            arenas: memory(arenas)?,
            logits: memory(logits)?,
            weights: memory(weights.len())?,
            host_images: host(images)?,
            host_logits: host(logits)?,
            events: [event()?, event()?, event()?, event()?],
            stream,
        };
        device.copy_weights(weights).map_err(failed("the weights do not get to the GPU"))?;
        Ok(device)
    }
}

/// The call of a kernel for a whole batch.
pub(crate) struct Call<'a> {
    pub(crate) kernel: &'a str,
    pub(crate) launch: &'static Launch,
    pub(crate) images: u32,
    pub(crate) arguments: Arguments,
}

/// The code and memory of an inference on the GPU.
pub(crate) struct Device {
    module: Arc<CudaModule>,
    images: CudaSlice<f32>,
    arenas: CudaSlice<f32>,
    logits: CudaSlice<f32>,
    weights: CudaSlice<f32>,
    host_images: PinnedHostSlice<f32>,
    host_logits: PinnedHostSlice<f32>,
    /// Events before the images are copied, before and after the kernels, and after the logits are
    /// copied.
    events: [CudaEvent; 4],
    stream: Arc<CudaStream>,
}

impl Device {
    fn copy_weights(&mut self, weights: &[f32]) -> Result<(), DriverError> {
        if !weights.is_empty() {
            self.stream.memcpy_htod(weights, &mut self.weights)?;
        }
        self.stream.synchronize()
    }

    /// Returns the addresses of all memory.
    pub(crate) fn addresses(&self) -> Addresses {
        let begin = |memory: &CudaSlice<f32>| memory.device_ptr(&self.stream).0;
        Addresses {
            images: begin(&self.images),
            arenas: begin(&self.arenas),
            logits: begin(&self.logits),
            weights: begin(&self.weights),
        }
    }

    /// Records one inference.
    pub(crate) fn record(mut self, calls: &mut [Call<'_>]) -> Result<Recording, Error> {
        let mut record = || {
            let functions: Result<Vec<CudaFunction>, DriverError> =
                calls.iter().map(|call| self.module.load_function(call.kernel)).collect();
            let functions = functions?;
            let images = self.host_images.as_mut_slice()?;
            images.fill(0.0);
            let (images, logits) = (&raw mut *images, &raw mut *self.host_logits.as_mut_slice()?);
            let mut infer = |flags| self.infer(&functions, calls, [images, logits], flags);
            // Kernels are loaded at their first launch, which cannot be recorded.
            infer(sys::CUevent_record_flags::CU_EVENT_RECORD_DEFAULT)?;
            self.stream.synchronize()?;
            self.stream
                .begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)?;
            infer(sys::CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL)?;
            self.stream.end_capture(sys::CUgraphInstantiate_flags(0))
        };
        let graph = record().map_err(failed("the kernels do not run"))?;
        let graph = graph.ok_or_else(|| Error::new("the driver has recorded nothing"))?;
        Ok(Recording { graph, device: self })
    }

    /// Queues one inference on the stream, with images and logits in these places of the host's
    /// memory.
    fn infer(
        &self,
        functions: &[CudaFunction],
        calls: &mut [Call<'_>],
        [host_images, host_logits]: [*mut [f32]; 2],
        flags: sys::CUevent_record_flags,
    ) -> Result<(), DriverError> {
        let stream = self.stream.cu_stream();
        let Addresses { images, logits, .. } = self.addresses();
        self.mark(0, flags)?;
        // SAFETY: both memories have this length, and live as long as the recording.
        unsafe { memcpy_htod_async(images, &*host_images, stream) }?;
        self.mark(1, flags)?;
        for (function, call) in functions.iter().zip(calls) {
            let (blocks, threads) =
                ((call.launch.blocks as u32, call.images, 1), (call.launch.threads, 1, 1));
            let shared = call.launch.shared * size_of::<f32>() as u32;
            let arguments = &raw mut call.arguments;
            // SAFETY: every kernel takes `Arguments`, whose addresses are those of this device's
            // memory.
            unsafe {
                launch_kernel(
                    function.cu_function(),
                    blocks,
                    threads,
                    shared,
                    stream,
                    &mut [arguments.cast::<c_void>()],
                )
            }?;
        }
        self.mark(2, flags)?;
        // SAFETY: as above.
        unsafe { memcpy_dtoh_async(&mut *host_logits, logits, stream) }?;
        self.mark(3, flags)
    }

    fn mark(&self, event: usize, flags: sys::CUevent_record_flags) -> Result<(), DriverError> {
        let (event, stream) = (self.events[event].cu_event(), self.stream.cu_stream());
        // SAFETY: both events are alive and belong to the same context.
        unsafe { sys::cuEventRecordWithFlags(event, stream, flags as u32).result() }
    }
}

/// One inference as a graph.
pub(crate) struct Recording {
    graph: CudaGraph,
    device: Device,
}

impl Recording {
    /// Computes the logits of images.
    pub(crate) fn run(&mut self, images: &[f32], logits: &mut [f32]) -> Result<Times, Error> {
        let mut run = || {
            let device = &mut self.device;
            device.host_images.as_mut_slice()?[..images.len()].copy_from_slice(images);
            self.graph.launch()?;
            device.stream.synchronize()?;
            logits.copy_from_slice(&device.host_logits.as_slice()?[..logits.len()]);
            let [start, copied, computed, end] = &device.events;
            // SAFETY: the graph has recorded all events.
            let elapsed = |from: &CudaEvent, to: &CudaEvent| unsafe {
                elapsed(from.cu_event(), to.cu_event())
            };
            let seconds = |from, to| elapsed(from, to).map(|ms| f64::from(ms) * 1e-3);
            Ok(Times {
                h2d_s: seconds(start, copied)?,
                kernel_s: seconds(copied, computed)?,
                d2h_s: seconds(computed, end)?,
            })
        };
        run().map_err(failed("the GPU has failed"))
    }
}
