//! The process: everything else is in the library.

use std::process::ExitCode;

/// A request makes and drops some hundred small things; the system's allocator took a quarter of the time of a
/// permission check.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    auther::cli::run(std::env::args_os())
}
