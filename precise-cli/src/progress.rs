//! A progress bar on a terminal; nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a long run is.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts events up to `total`.
    pub(crate) fn events(total: u64) -> Self {
        Self::styled(Some(total), "{bar:32} {percent:>3}%  {human_pos}/{human_len}  {eta} left")
    }

    /// Counts entries of a log.
    pub(crate) fn entries() -> Self {
        Self::styled(Some(0), "{bar:32} {percent:>3}%  {human_pos}/{human_len} entries  {eta} left")
    }

    /// Counts batches, up to a total where it is known.
    pub(crate) fn batches(total: Option<u64>) -> Self {
        let template = match total {
            Some(_) => "{bar:32} {percent:>3}%  {human_pos}/{human_len} batches  {eta} left",
            None => "{spinner}  {human_pos} batches",
        };
        Self::styled(total, template)
    }

    /// Counts bytes, up to a total where it is known.
    pub(crate) fn bytes(total: Option<u64>) -> Self {
        let template = match total {
            Some(_) => "{bar:32} {percent:>3}%  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            None => "{spinner}  {bytes}  {bytes_per_sec}",
        };
        Self::styled(total, template)
    }

    fn styled(total: Option<u64>, template: &str) -> Self {
        // The library shows nothing unless standard error is a terminal.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        match ProgressStyle::with_template(template) {
            Ok(style) => Self(bar.with_style(style)),
            Err(_) => Self(bar),
        }
    }

    pub(crate) fn set(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Where also the total becomes known on the way.
    pub(crate) fn set_of(&self, position: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(position);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
