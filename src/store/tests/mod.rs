//! What every engine must do, over each of them.

mod conformance;
mod interleaved;
mod model;
mod revisions;
mod two_writers;
