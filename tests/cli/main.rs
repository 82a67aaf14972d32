//! Tests through the binaries: real git, real remotes, a home of their own.

mod branches;
mod corpus;
mod crowd;
mod dice;
mod digests;
mod driver;
mod errors;
mod finish;
mod format;
mod hooks;
mod join;
mod life;
mod machines;
mod made;
mod model;
mod odd;
mod people;
mod plain_git;
mod remote;
mod report;
mod scale;
mod transport;
mod ways;
mod world;
