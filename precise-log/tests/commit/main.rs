//! Commits: on a good day, on a bad one, and by several at once.

mod fixture;
mod growth;
