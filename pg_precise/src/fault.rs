//! How an error leaves: under its own SQLSTATE, which is its code, once no Rust frame is left that
//! would have to clean up.
//!
//! An error of the server's own, caught on its way through Rust, goes on as what it was; a panic is
//! an internal error of the statement, never of the server.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use pgrx::pg_sys;
use precise_core::{Code, Error};

/// An error on its way out. Its texts are the server's memory: to leave by a jump is to free
/// nothing.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    sqlstate: c_int,
    message: *const c_char,
    detail: *const c_char,
    hint: *const c_char,
}

impl Fault {
    /// What `function` refused.
    #[cold]
    pub(crate) fn refused(function: &str, error: &Error) -> Self {
        let mut detail = String::new();
        if let Some(path) = error.path() {
            detail.push_str("At ");
            detail.push_str(path);
            if let Some(offset) = error.offset() {
                detail.push_str(&format!(", byte {offset}"));
            }
            detail.push_str(", in ");
        } else {
            detail.push_str("In ");
        }
        detail.push_str(function);
        detail.push('.');
        if let Some(why) = error.detail() {
            detail.push_str(&format!(" It says: {why}."));
        }
        Self::new(error.code().name(), error.code().message(), &detail, error.hint())
    }

    /// One of the server's own conditions.
    #[cold]
    pub(crate) fn new(sqlstate: &str, message: &str, detail: &str, hint: &str) -> Self {
        Self {
            sqlstate: packed(sqlstate),
            message: in_server_memory(message),
            detail: in_server_memory(detail),
            hint: in_server_memory(hint),
        }
    }

    /// The bytes of a value are not what its type says.
    #[cold]
    pub(crate) fn damaged(type_name: &str) -> Self {
        // 58P.. would be the disk; XX001 is data_corrupted.
        Self::new("XX001", &format!("a value of type {type_name} is damaged"), "", "")
    }
}

impl From<(&str, Code)> for Fault {
    fn from((function, code): (&str, Code)) -> Self {
        Self::refused(function, &Error::new(code))
    }
}

/// MAKE_SQLSTATE of `src/include/utils/elog.h`: six bits a character, the first in the lowest.
fn packed(sqlstate: &str) -> c_int {
    sqlstate
        .bytes()
        .rev()
        .fold(0, |packed, byte| packed << 6 | c_int::from(byte.wrapping_sub(b'0') & 0x3F))
}

/// A copy that the server frees with the statement; null for nothing to say.
fn in_server_memory(text: &str) -> *const c_char {
    if text.is_empty() {
        return ptr::null();
    }
    let text = CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default();
    // SAFETY: the text is read up to its NUL, and copied.
    unsafe { pg_sys::pstrdup(text.as_ptr()) }
}

// Not wrapped by pgrx: its wrappers turn the jump into a panic and the SQLSTATE into one of a
// closed list.
unsafe extern "C-unwind" {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// Ends the statement, by a jump.
///
/// # Safety
///
/// In the frames between here and the server nothing may be left to drop.
pub(crate) unsafe fn raise(fault: Fault) -> ! {
    const FORMAT: *const c_char = c"%s".as_ptr();
    const FILE: &CStr = c"pg_precise";
    // SAFETY: the formats fit their one argument, and the texts end in NUL.
    unsafe {
        errstart(pg_sys::elog::PgLogLevel::ERROR as c_int, ptr::null());
        errcode(fault.sqlstate);
        errmsg_internal(FORMAT, fault.message);
        if !fault.detail.is_null() {
            errdetail_internal(FORMAT, fault.detail);
        }
        if !fault.hint.is_null() {
            errhint(FORMAT, fault.hint);
        }
        errfinish(FILE.as_ptr(), 0, c"raise".as_ptr());
    }
    unreachable!("errfinish does not return from an ERROR")
}
