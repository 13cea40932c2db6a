//! Commits: on a good day, on a bad one, and by several at once.

mod faulty;
mod fixture;
mod growth;
mod refusals;
mod simulation;
mod table;
