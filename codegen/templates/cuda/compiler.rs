//! NVRTC, CUDA's run-time compiler, as it is installed on this machine.
#![allow(unsafe_code)] // It is a C library.

use crate::model::Error;
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

/// The library's possible names. If one version is older than the GPU, the next one may compile.
const NAMES: [&str; 4] = ["libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so", "libnvrtc.so.11.2"];
/// The library's possible folders: those of the system, and those of CUDA's toolkit.
const FOLDERS: [&str; 2] = ["", "/usr/local/cuda/lib64/"];

type Program = *mut c_void;
type Status = c_int;

/// A compiled program and the version of the compiler.
pub(crate) struct Compiled {
    pub(crate) code: Vec<u8>,
    pub(crate) version: (c_int, c_int),
}

/// Compiles for GPUs of a compute capability.
pub(crate) fn compile(source: &str, (major, minor): (i32, i32)) -> Result<Compiled, Error> {
    let architecture = format!("sm_{major}{minor}");
    let mut failure = None;
    for path in FOLDERS.iter().flat_map(|folder| NAMES.map(|name| format!("{folder}{name}"))) {
        // SAFETY: NVRTC's initialisation has no preconditions.
        let Ok(library) = (unsafe { Library::new(&path) }) else { continue };
        match Nvrtc(library).compile(source, &architecture) {
            Ok(compiled) => return Ok(compiled),
            Err(error) => {
                failure =
                    failure.or(Some(format!("{path} cannot compile for {architecture}: {error}")))
            }
        }
    }
    Err(Error::new(failure.unwrap_or_else(|| {
        "NVRTC, CUDA's run-time compiler, is not on this machine: install it, for instance with \
         `pip install nvidia-cuda-nvrtc-cu12`, \
         and name the folder of libnvrtc.so.12 in LD_LIBRARY_PATH"
            .to_string()
    })))
}

struct Nvrtc(Library);

impl Nvrtc {
    /// Returns a function of the library.
    ///
    /// # Safety
    /// `F` must be the function's type.
    unsafe fn function<F: Copy>(&self, name: &str) -> Result<F, String> {
        // SAFETY: required of the caller.
        let function = unsafe { self.0.get::<F>(name.as_bytes()) };
        function.map(|function| *function).map_err(|error| error.to_string())
    }

    fn check(&self, status: Status) -> Result<(), String> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: the type is nvrtc.h's; the text is a constant of the library's.
        let text = unsafe {
            let describe: extern "C" fn(Status) -> *const c_char =
                self.function("nvrtcGetErrorString")?;
            CStr::from_ptr(describe(status)).to_string_lossy().into_owned()
        };
        Err(text)
    }

    fn version(&self) -> Result<(c_int, c_int), String> {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the type is nvrtc.h's.
        let status = unsafe {
            let version: extern "C" fn(*mut c_int, *mut c_int) -> Status =
                self.function("nvrtcVersion")?;
            version(&mut major, &mut minor)
        };
        self.check(status)?;
        Ok((major, minor))
    }

    fn compile(&self, source: &str, architecture: &str) -> Result<Compiled, String> {
        let version = self.version()?;
        let mut program = null_mut();
        let source = CString::new(source).map_err(|error| error.to_string())?;
        type Create = extern "C" fn(
            *mut Program,
            *const c_char,
            *const c_char,
            c_int,
            *const *const c_char,
            *const *const c_char,
        ) -> Status;
        // SAFETY: the types are nvrtc.h's; the source outlives the call; there are no headers, so
        // that their names may be null.
        let status = unsafe {
            let create: Create = self.function("nvrtcCreateProgram")?;
            create(&mut program, source.as_ptr(), c"kernels.cu".as_ptr(), 0, null(), null())
        };
        self.check(status)?;
        let code = self.compile_program(program, architecture);
        // SAFETY: the type is nvrtc.h's, and the program is not used any more.
        unsafe {
            let destroy: extern "C" fn(*mut Program) -> Status =
                self.function("nvrtcDestroyProgram")?;
            destroy(&mut program);
        }
        let (major, minor) = version;
        code.map(|code| Compiled { code, version })
            .map_err(|error| format!("{error} (NVRTC {major}.{minor})"))
    }

    fn compile_program(&self, program: Program, architecture: &str) -> Result<Vec<u8>, String> {
        let architecture = format!("--gpu-architecture={architecture}\0");
        let options = [architecture.as_ptr().cast::<c_char>(), c"--std=c++17".as_ptr()];
        // SAFETY: the type is nvrtc.h's; the options outlive the call.
        let status = unsafe {
            let compile: extern "C" fn(Program, c_int, *const *const c_char) -> Status =
                self.function("nvrtcCompileProgram")?;
            compile(program, options.len() as c_int, options.as_ptr())
        };
        if let Err(error) = self.check(status) {
            let log = self
                .bytes(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")
                .unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let first = log.lines().find(|line| line.contains("error")).unwrap_or_default();
            return Err(format!("{error} {first}").trim_end().to_string());
        }
        self.bytes(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN")
    }

    /// Returns the bytes of a pair of functions, one for the size and one for the content.
    fn bytes(&self, program: Program, size: &str, content: &str) -> Result<Vec<u8>, String> {
        let mut length = 0;
        // SAFETY: the type is nvrtc.h's.
        let status = unsafe {
            let size: extern "C" fn(Program, *mut usize) -> Status = self.function(size)?;
            size(program, &mut length)
        };
        self.check(status)?;
        let mut bytes = vec![0u8; length];
        // SAFETY: the type is nvrtc.h's, and the buffer has the size that the library returned.
        let status = unsafe {
            let content: extern "C" fn(Program, *mut c_char) -> Status = self.function(content)?;
            content(program, bytes.as_mut_ptr().cast())
        };
        self.check(status)?;
        Ok(bytes)
    }
}
