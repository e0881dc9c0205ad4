//! Opens the paths that users name, whatever is there: a pipe without a partner ends in an error instead of a hang, and a device is
//! never read.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long opening a pipe or device may take: its partner may be a program that is just starting.
const OPENING: Duration = Duration::from_secs(2);
/// How long a pipe may stay silent. Standard input may for ever.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of a pipe that are read at a time.
const CHUNK: usize = 64 << 10;

/// Opens a regular file.
///
/// # Errors
/// There is none, or something else is there.
pub fn open_regular(path: &Path) -> io::Result<File> {
    match kind(fs::metadata(path)?.file_type()) {
        Kind::Regular => File::open(path),
        other => Err(other.refusal("a regular file is expected")),
    }
}

/// Opens a regular file or a pipe, such as `<(command)` of a shell.
///
/// # Errors
/// There is none, something else is there, or nobody writes to the pipe. Reading fails when the pipe stays silent for a minute.
pub fn open_input(path: &Path) -> io::Result<Box<dyn Read>> {
    match kind(fs::metadata(path)?.file_type()) {
        Kind::Regular => Ok(Box::new(File::open(path)?)),
        Kind::Pipe => Ok(Box::new(Pipe::open(path, OPENING, SILENCE)?)),
        other => Err(other.refusal("a file is expected")),
    }
}

/// Opens a file, pipe or device for writing. Of the options `write` is set here.
///
/// # Errors
/// A directory or block device is there, nobody reads from the pipe, or it cannot be written.
pub fn open_output(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let options = options.write(true).clone();
    match fs::metadata(path).map(|found| kind(found.file_type())) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Err(_) | Ok(Kind::Regular) => options.open(path),
        Ok(Kind::Pipe | Kind::Device) => {
            let path = path.to_owned();
            open_within(OPENING, "nobody reads from this pipe", move || options.open(path))
        }
        Ok(other) => Err(other.refusal("a file is expected")),
    }
}

/// Reads all bytes of a source that has at most `limit`.
///
/// # Errors
/// It has more, cannot be read, or memory is short.
pub fn read_whole(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`] and [`read_whole`].
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    if file.metadata()?.len() > limit { Err(too_large(limit)) } else { read_whole(file, limit) }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes"))
}

/// What a path leads to.
#[cfg_attr(not(unix), expect(dead_code))] // pipes and devices have paths on Unix only
enum Kind {
    Regular,
    Directory,
    Pipe,
    /// A character device, such as a terminal or `/dev/null`.
    Device,
    /// A disk, a socket.
    Other,
}

impl Kind {
    fn refusal(&self, expected: &str) -> io::Error {
        let (kind, found) = match self {
            Self::Regular => (ErrorKind::InvalidInput, "a file"),
            Self::Directory => (ErrorKind::IsADirectory, "a directory"),
            Self::Pipe => (ErrorKind::InvalidInput, "a pipe"),
            Self::Device => (ErrorKind::InvalidInput, "a device"),
            Self::Other => (ErrorKind::InvalidInput, "a disk or a socket"),
        };
        io::Error::new(kind, format!("it is {found}, and {expected}"))
    }
}

fn kind(file: FileType) -> Kind {
    if file.is_file() {
        Kind::Regular
    } else if file.is_dir() {
        Kind::Directory
    } else {
        special(file)
    }
}

#[cfg(unix)]
fn special(file: FileType) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    if file.is_fifo() {
        Kind::Pipe
    } else if file.is_char_device() {
        Kind::Device
    } else {
        Kind::Other
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> Kind {
    Kind::Other
}

/// Opens in a thread of its own: a pipe blocks until its partner is there. The thread of a pipe given up ends with the process.
fn open_within(
    wait: Duration,
    alone: &'static str,
    open: impl FnOnce() -> io::Result<File> + Send + 'static,
) -> io::Result<File> {
    let (sender, opened) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(open()));
    let given_up = |_| Err(io::Error::new(ErrorKind::TimedOut, alone));
    opened.recv_timeout(wait).unwrap_or_else(given_up)
}

/// A pipe, read by a thread of its own so that its silence is noticed.
struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
    silence: Duration,
}

impl Pipe {
    fn open(path: &Path, opening: Duration, silence: Duration) -> io::Result<Self> {
        let path = path.to_owned();
        let mut file = open_within(opening, "nobody writes to this pipe", move || File::open(path))?;
        let (sender, chunks) = mpsc::sync_channel(4);
        thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = file.read(&mut chunk);
                let ended = !matches!(read, Ok(1..));
                let sent = read.map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                if sender.send(sent).is_err() || ended {
                    return;
                }
            }
        });
        Ok(Self { chunks, chunk: Cursor::default(), silence })
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.position() == self.chunk.get_ref().len() as u64 {
            self.chunk = match self.chunks.recv_timeout(self.silence) {
                Ok(chunk) => Cursor::new(chunk?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {
                    let reason = format!("nothing came through this pipe for {} s", self.silence.as_secs());
                    return Err(io::Error::new(ErrorKind::TimedOut, reason));
                }
            };
        }
        self.chunk.read(buffer)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn directories_and_devices_are_named() {
        for (path, what) in [("/", "a directory"), ("/dev/zero", "a device")] {
            let error = open_input(Path::new(path)).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            let error = open_regular(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        let error = open_output(Path::new("/"), OpenOptions::new().append(true)).unwrap_err();
        assert!(error.to_string().contains("a directory"), "{error}");
        assert_eq!(open_regular(Path::new("/no/such")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(open_output(Path::new("/dev/null"), OpenOptions::new().append(true)).is_ok());
    }

    #[test]
    fn a_pipe_is_read_and_never_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let (lonely, path) = (folder.path().join("lonely"), folder.path().join("pipe"));
        assert!(Command::new("mkfifo").args([&lonely, &path]).status().unwrap().success());
        assert!(open_regular(&path).unwrap_err().to_string().contains("a pipe"));
        let alone = Pipe::open(&lonely, SOON, SILENCE).map(|_| ()).unwrap_err();
        assert!(alone.to_string().contains("nobody writes"), "{alone}");
        let alone = open_within(SILENCE, "nobody reads", || Err(ErrorKind::Other.into())).unwrap_err();
        assert_eq!(alone.kind(), ErrorKind::Other, "an error of the opening itself comes through");

        let text = vec![7; 3 * CHUNK + 1];
        let (writer, sent) = (path.clone(), text.clone());
        let writing = thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(writer).unwrap();
            pipe.write_all(&sent).unwrap();
            pipe
        });
        let mut pipe = Pipe::open(&path, SILENCE, SILENCE).unwrap();
        let mut read = vec![0; text.len()];
        pipe.read_exact(&mut read).unwrap();
        assert_eq!(read, text);
        pipe.silence = SOON;
        assert_eq!(pipe.read(&mut read).unwrap_err().kind(), ErrorKind::TimedOut, "its writer is still there");
        drop(writing.join().unwrap());
        pipe.silence = SILENCE;
        assert_eq!(pipe.read(&mut read).unwrap(), 0);
    }

    #[test]
    fn files_longer_than_the_limit_are_refused() {
        assert_eq!(read_whole(&b"four"[..], 4).unwrap(), b"four");
        assert_eq!(read_whole(io::repeat(0), 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 40).unwrap();
        assert_eq!(read_regular(file.path(), 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
