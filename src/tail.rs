//! The end of the daemon's log, and what is added to it, also while the file is rotated.
//!
//! Nothing is read but when it is asked for: a [`Tail`] keeps the file open and its place in it. At most [`READ_MAX`] bytes
//! are read at once; what is older is left out, and [`Lines::is_cut`] says so.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many bytes are read at once.
const READ_MAX: u64 = 256 << 10;

/// The end of a log.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
}

/// A file of the log, and how far it was read.
#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    at: u64,
    /// The begin of a line whose end is not there yet.
    partial: Vec<u8>,
}

/// Lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines, without line breaks.
    pub lines: VecDeque<String>,
    /// True if lines before them were left out.
    pub is_cut: bool,
}

impl Tail {
    /// The log at `path`, whose last file but one is at `path` with `.1`; the first lines are the last ones there, at most
    /// `lines_max`.
    pub fn open(path: &Path, lines_max: usize) -> (Tail, Lines) {
        let mut tail = Tail { path: path.to_owned(), open: None };
        let mut lines = Lines::default();
        let mut older = path.as_os_str().to_owned();
        older.push(".1");
        // The last file may have been put aside just now.
        if let Ok(Some(mut open)) = Open::at(Path::new(&older)) {
            // A file that cannot be read has no lines to show.
            let _ = open.read(&mut lines);
        }
        tail.read(&mut lines);
        lines.keep(lines_max);
        // What is not in the log any more is not missing.
        lines.is_cut = false;
        (tail, lines)
    }

    /// What was added since, at most `lines_max` lines.
    pub fn more(&mut self, lines_max: usize) -> Lines {
        let mut lines = Lines::default();
        self.read(&mut lines);
        lines.keep(lines_max);
        lines
    }

    /// Reads to the end. A log that cannot be read is as one without new lines.
    fn read(&mut self, lines: &mut Lines) {
        if let Some(open) = &mut self.open {
            let _ = open.read(lines);
        }
        let is_other = |open: &Open| self.open.as_ref().is_none_or(|own| own.inode != open.inode);
        if let Ok(Some(mut open)) = Open::at(&self.path)
            && is_other(&open)
        {
            // After the last line of a file that was put aside comes the first of the next.
            if let Some(old) = &mut self.open {
                let _ = old.read(lines);
            }
            let _ = open.read(lines);
            self.open = Some(open);
        }
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Option<Open>> {
        match File::open(path) {
            Ok(file) => {
                let inode = file.metadata()?.ino();
                Ok(Some(Open { file, inode, at: 0, partial: Vec::new() }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds the lines from here to the end, or the last of them.
    fn read(&mut self, lines: &mut Lines) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length < self.at {
            // It was emptied.
            (self.at, self.partial) = (0, Vec::new());
        }
        let mut skips_first = false;
        if length - self.at > READ_MAX {
            (self.at, self.partial) = (length - READ_MAX, Vec::new());
            (skips_first, lines.is_cut) = (true, true);
            lines.lines.clear();
        }
        if length == self.at {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = std::mem::take(&mut self.partial);
        let read = (&self.file).take(length - self.at).read_to_end(&mut bytes)?;
        self.at += read as u64;
        let mut pieces = bytes.split_inclusive(|byte| *byte == b'\n');
        if skips_first {
            // Its begin was not read.
            pieces.next();
        }
        for piece in pieces {
            match piece.strip_suffix(b"\n") {
                Some(line) => lines.lines.push_back(String::from_utf8_lossy(line).into_owned()),
                None => self.partial = piece.to_vec(),
            }
        }
        Ok(())
    }
}

impl Lines {
    /// Keeps the last ones.
    fn keep(&mut self, lines_max: usize) {
        while self.lines.len() > lines_max {
            self.lines.pop_front();
            self.is_cut = true;
        }
    }
}
