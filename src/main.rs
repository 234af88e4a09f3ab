//! The process: everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    auther::cli::run(std::env::args_os())
}
