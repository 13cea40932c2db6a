//! The one table of error codes (SPEC.md section 11), and the error that carries them.
//!
//! A code never changes its meaning. What an engine shows around it is the engine's own habit;
//! what a test compares is the code.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// What went wrong, as a number that keeps its meaning for ever: `PR106` is [`Code::DuplicateKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Code {
    /// PR101
    InvalidUtf8 = 101,
    /// PR102
    ByteOrderMark = 102,
    /// PR103
    Syntax = 103,
    /// PR104
    UnexpectedEnd = 104,
    /// PR105
    TrailingBytes = 105,
    /// PR106
    DuplicateKey = 106,
    /// PR107
    LoneSurrogate = 107,
    /// PR108
    NullCharacter = 108,
    /// PR110
    CellCount = 110,
    /// PR111
    OpenQuote = 111,
    /// PR112
    ColumnNames = 112,
    /// PR113
    RecordId = 113,
    /// PR114
    MissingRecord = 114,
    /// PR115
    ClosingQuote = 115,
    /// PR116
    ColumnType = 116,
    /// PR117
    DateTime = 117,
    /// PR118
    Cells = 118,
    /// PR119
    CellText = 119,
    /// PR190
    UnknownFunction = 190,
    /// PR191
    Arguments = 191,
    /// PR192
    ArgumentVaries = 192,
    /// PR201
    NumberPrecision = 201,
    /// PR202
    NumberRange = 202,
    /// PR301
    Hash = 301,
    /// PR302
    ProofId = 302,
    /// PR303
    ProofDocument = 303,
    /// PR304
    SecretLength = 304,
    /// PR305
    MissingBlind = 305,
    /// PR306
    Inclusion = 306,
    /// PR307
    Absence = 307,
    /// PR308
    EmptyBatch = 308,
    /// PR309
    BlockRoots = 309,
    /// PR310
    Receipt = 310,
    /// PR311
    Evidence = 311,
    /// PR401
    VerifierKey = 401,
    /// PR402
    SigningKey = 402,
    /// PR403
    Note = 403,
    /// PR404
    Signature = 404,
    /// PR405
    Unsigned = 405,
    /// PR406
    Checkpoint = 406,
    /// PR407
    Entry = 407,
    /// PR408
    LogProof = 408,
    /// PR409
    VoidDocument = 409,
    /// PR410
    StatusProof = 410,
    /// PR411
    Policy = 411,
    /// PR412
    Quorum = 412,
    /// PR413
    LogDiverged = 413,
    /// PR414
    LogCorrupt = 414,
    /// PR415
    LogKey = 415,
    /// PR501
    CohortId = 501,
    /// PR502
    Release = 502,
    /// PR503
    CohortSize = 503,
    /// PR504
    Ruleset = 504,
    /// PR505
    CohortNames = 505,
    /// PR506
    ReleaseDifference = 506,
    /// PR507
    Model = 507,
    /// PR508
    TouchPath = 508,
    /// PR509
    TouchTime = 509,
    /// PR510
    Contributors = 510,
    /// PR511
    WeightSum = 511,
    /// PR512
    ContributorTwice = 512,
    /// PR513
    ContributionPolicy = 513,
    /// PR514
    Facts = 514,
    /// PR515
    Counts = 515,
    /// PR516
    ConversionValue = 516,
    /// PR517
    Transitions = 517,
    /// PR518
    Game = 518,
    /// PR601
    Price = 601,
    /// PR602
    Currency = 602,
    /// PR603
    UnpricedEvent = 603,
    /// PR604
    RoyaltyRate = 604,
    /// PR605
    Accruals = 605,
    /// PR606
    MixedCurrencies = 606,
    /// PR607
    MinorDigits = 607,
    /// PR608
    OpenPeriod = 608,
    /// PR609
    Statement = 609,
    /// PR610
    NoStatementLine = 610,
    /// PR611
    NoRoyaltyRate = 611,
    /// PR612
    EarlierPeriod = 612,
    /// PR613
    WinRow = 613,
    /// PR901
    Depth = 901,
    /// PR902
    CanonicalSize = 902,
    /// PR903
    InputSize = 903,
    /// PR904
    PartBits = 904,
    /// PR905
    EntrySize = 905,
    /// PR906
    CohortCount = 906,
    /// PR907
    SumSize = 907,
}

impl Code {
    /// Every code, in order.
    pub const ALL: &'static [Self] = &[
        Self::InvalidUtf8,
        Self::ByteOrderMark,
        Self::Syntax,
        Self::UnexpectedEnd,
        Self::TrailingBytes,
        Self::DuplicateKey,
        Self::LoneSurrogate,
        Self::NullCharacter,
        Self::CellCount,
        Self::OpenQuote,
        Self::ColumnNames,
        Self::RecordId,
        Self::MissingRecord,
        Self::ClosingQuote,
        Self::ColumnType,
        Self::DateTime,
        Self::Cells,
        Self::CellText,
        Self::UnknownFunction,
        Self::Arguments,
        Self::ArgumentVaries,
        Self::NumberPrecision,
        Self::NumberRange,
        Self::Hash,
        Self::ProofId,
        Self::ProofDocument,
        Self::SecretLength,
        Self::MissingBlind,
        Self::Inclusion,
        Self::Absence,
        Self::EmptyBatch,
        Self::BlockRoots,
        Self::Receipt,
        Self::Evidence,
        Self::VerifierKey,
        Self::SigningKey,
        Self::Note,
        Self::Signature,
        Self::Unsigned,
        Self::Checkpoint,
        Self::Entry,
        Self::LogProof,
        Self::VoidDocument,
        Self::StatusProof,
        Self::Policy,
        Self::Quorum,
        Self::LogDiverged,
        Self::LogCorrupt,
        Self::LogKey,
        Self::CohortId,
        Self::Release,
        Self::CohortSize,
        Self::Ruleset,
        Self::CohortNames,
        Self::ReleaseDifference,
        Self::Model,
        Self::TouchPath,
        Self::TouchTime,
        Self::Contributors,
        Self::WeightSum,
        Self::ContributorTwice,
        Self::ContributionPolicy,
        Self::Facts,
        Self::Counts,
        Self::ConversionValue,
        Self::Transitions,
        Self::Game,
        Self::Price,
        Self::Currency,
        Self::UnpricedEvent,
        Self::RoyaltyRate,
        Self::Accruals,
        Self::MixedCurrencies,
        Self::MinorDigits,
        Self::OpenPeriod,
        Self::Statement,
        Self::NoStatementLine,
        Self::NoRoyaltyRate,
        Self::EarlierPeriod,
        Self::WinRow,
        Self::Depth,
        Self::CanonicalSize,
        Self::InputSize,
        Self::PartBits,
        Self::EntrySize,
        Self::CohortCount,
        Self::SumSize,
    ];

    /// `PR106`
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What was attempted or refused: lower case, no full stop.
    pub fn message(self) -> &'static str {
        self.row().1
    }

    /// What to do about it: a sentence.
    pub fn hint(self) -> &'static str {
        self.row().2
    }

    /// The code spelled `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Name, message, hint.
    #[allow(clippy::too_many_lines, reason = "it is a table")]
    const fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::InvalidUtf8 => {
                ("PR101", "text is not UTF-8", "Convert the text to UTF-8 where it is written.")
            }
            Self::ByteOrderMark => (
                "PR102",
                "text begins with a byte order mark",
                "Remove the three bytes EF BB BF from its start.",
            ),
            Self::Syntax => {
                ("PR103", "text is not JSON", "RFC 8259 does not allow the byte at this place.")
            }
            Self::UnexpectedEnd => {
                ("PR104", "text ends before the document does", "It was probably cut off.")
            }
            Self::TrailingBytes => (
                "PR105",
                "text goes on after the document",
                "One text is one document; for one document a line, read it as NDJSON.",
            ),
            Self::DuplicateKey => (
                "PR106",
                "an object has the same key twice",
                "Readers disagree on which one counts, so neither is taken.",
            ),
            Self::LoneSurrogate => (
                "PR107",
                "an escape is half of a surrogate pair",
                "Such a string has no UTF-8 form; the writer cut a character in two.",
            ),
            Self::NullCharacter => (
                "PR108",
                "a string contains U+0000",
                "Several databases cannot hold it, so no engine mints it.",
            ),
            Self::CellCount => (
                "PR110",
                "a line has another number of cells than the header",
                "Quote cells that contain the separator.",
            ),
            Self::OpenQuote => (
                "PR111",
                "a quote is still open at the end of the file",
                "Everything after it was taken as one cell; close the quote.",
            ),
            Self::ColumnNames => (
                "PR112",
                "a column name is empty or stands twice",
                "Names are compared after lower-casing A to Z; rename one.",
            ),
            Self::RecordId => (
                "PR113",
                "the record has no usable record id",
                "The field must hold a non-empty string or a number.",
            ),
            Self::MissingRecord => {
                ("PR114", "the row has no record", "The column is NULL in this row.")
            }
            Self::ClosingQuote => (
                "PR115",
                "a cell goes on behind its closing quote",
                "Double the quotes inside a quoted cell, and put nothing behind the last one.",
            ),
            Self::ColumnType => (
                "PR116",
                "a column has a type that is not minted",
                "Cast it to one of the types in SPEC section 1.4, text for instance.",
            ),
            Self::DateTime => (
                "PR117",
                "a date or time cannot be written exactly",
                "The form has years 0001 to 9999, hours 0 to 23, and microseconds.",
            ),
            Self::Cells => (
                "PR118",
                "cells are malformed",
                "They are [[name, type, value], …] with values as strings in quotes, or null.",
            ),
            Self::CellText => (
                "PR119",
                "a cell's text is not of its type",
                "SPEC section 1.5 says how each type is written.",
            ),
            Self::UnknownFunction => {
                ("PR190", "no such function", "`precise functions` lists what there is.")
            }
            Self::Arguments => (
                "PR191",
                "wrong number or type of arguments",
                "`precise functions` shows each function's arguments.",
            ),
            Self::ArgumentVaries => {
                ("PR192", "an argument must be the same in every row", "Pass a constant.")
            }
            Self::NumberPrecision => {
                ("PR201", "a number has more digits than binary64 keeps", "Send it as a string.")
            }
            Self::NumberRange => {
                ("PR202", "a number is out of binary64's range", "Send it as a string.")
            }
            Self::Hash => (
                "PR301",
                "a hash is not 32 bytes",
                "As text it is 0x and 64 lower-case hex digits.",
            ),
            Self::ProofId => (
                "PR302",
                "a proof id is malformed",
                "It is prf_ and 52 characters of lower-case base32, the last one a or q.",
            ),
            Self::ProofDocument => (
                "PR303",
                "a proof document is malformed",
                "Pass what precise_mint_proof returned, unchanged.",
            ),
            Self::SecretLength => {
                ("PR304", "a secret or blind is not 32 bytes", "A secret file holds 64 hex digits.")
            }
            Self::MissingBlind => (
                "PR305",
                "the proof is blinded and no blind was given",
                "Pass the blind, or the secret and the record id it is derived from.",
            ),
            Self::Inclusion => (
                "PR306",
                "an inclusion proof is malformed",
                "It is {\"count\":n,\"index\":i,\"path\":[\"0x…\",…]} with index below count.",
            ),
            Self::Absence => (
                "PR307",
                "an absence proof is malformed",
                "It is {\"count\":n,\"left\":{…},\"right\":{…}}, one side missing at an end.",
            ),
            Self::EmptyBatch => {
                ("PR308", "a batch is empty", "A batch root needs at least one proof.")
            }
            Self::BlockRoots => (
                "PR309",
                "block roots are malformed",
                "Pass a JSON array of 0x… roots in order, and k from 0 to 63.",
            ),
            Self::Receipt => {
                ("PR310", "a receipt is malformed", "Pass it as it was given out, unchanged.")
            }
            Self::Evidence => (
                "PR311",
                "what is asked of a verification is malformed",
                "Times are 2026-11-22T20:00:00Z, ages whole seconds; SPEC section 5.5 has the rest.",
            ),
            Self::VerifierKey => (
                "PR401",
                "a verifier key is malformed",
                "It is name+id+key as `c2sp.org/signed-note` has it; pass the line unchanged.",
            ),
            Self::SigningKey => (
                "PR402",
                "a signing key is malformed",
                "It is PRIVATE+KEY+name+id+key; a name has no white space and no plus.",
            ),
            Self::Note => (
                "PR403",
                "a signed note is malformed",
                "It is text, an empty line, and a line for each signature.",
            ),
            Self::Signature => (
                "PR404",
                "a signature is wrong",
                "The text was changed, or signed by who has another key of that name.",
            ),
            Self::Unsigned => (
                "PR405",
                "a note is signed by none of the keys",
                "Check that the keys are those of this log.",
            ),
            Self::Checkpoint => (
                "PR406",
                "a checkpoint is malformed",
                "Its lines are the log's origin, its size, and its root in base64.",
            ),
            Self::Entry => (
                "PR407",
                "a log entry is malformed",
                "SPEC section 4.1 has its members; it is in JCS form.",
            ),
            Self::LogProof => (
                "PR408",
                "a log proof is malformed",
                "It is the text that `c2sp.org/tlog-proof@v1` describes.",
            ),
            Self::VoidDocument => {
                ("PR409", "a void document is malformed", "SPEC section 6.1 has its members.")
            }
            Self::StatusProof => (
                "PR410",
                "a status proof is malformed",
                "It is {\"path\":[\"0x…\",…]} and, unless nothing is there, a terminal.",
            ),
            Self::Policy => (
                "PR411",
                "a policy is malformed",
                "It is the text that `c2sp.org/tlog-policy` describes.",
            ),
            Self::Quorum => (
                "PR412",
                "too few witnesses have seen a checkpoint",
                "Fetch the checkpoint again later; the policy says who must have seen it.",
            ),
            Self::LogDiverged => (
                "PR413",
                "a log is not the one that was signed",
                "It was rolled back, or there are two of it; find the one that has it all.",
            ),
            Self::LogCorrupt => (
                "PR414",
                "a file is not what the log says",
                "Restore it from a copy; of a log, `precise log fsck` names the first wrong file.",
            ),
            Self::LogKey => (
                "PR415",
                "a key is not the log's",
                "A log is written with the key that signed its checkpoint, under its own name.",
            ),
            Self::CohortId => (
                "PR501",
                "a cohort id is malformed",
                "It is a name of a-z, 0-9 and _, and perhaps _10013, _zip3_100 or _dma_501.",
            ),
            Self::Release => (
                "PR502",
                "an audience cannot be released",
                "No cohort has k members, or what is left beside the only one is fewer than k.",
            ),
            Self::CohortSize => ("PR503", "k is below 2", "A cohort of one would name its member."),
            Self::Ruleset => (
                "PR504",
                "a rule set is malformed",
                "SPEC section 8.5 has its members and operators.",
            ),
            Self::CohortNames => (
                "PR505",
                "a cohort's name is another's, or begins it",
                "Ids of two `eco`, or of `eco` and `eco_urban`, could not be told apart; rename one.",
            ),
            Self::ReleaseDifference => (
                "PR506",
                "a release differs from an earlier one by too few members",
                "Release again when k members have changed, or none.",
            ),
            Self::Model => (
                "PR507",
                "a model of attribution is unknown",
                "It is first, last, linear, position, time_decay(seconds), shapley or markov(1) to markov(3).",
            ),
            Self::TouchPath => (
                "PR508",
                "a path is malformed",
                "It is [\"cohort\", …] or [{\"at\":\"…Z\",\"cohort\":\"…\"}, …], with one touch at least.",
            ),
            Self::TouchTime => (
                "PR509",
                "a touch comes after the conversion",
                "Pass only what came before converted_at.",
            ),
            Self::Contributors => (
                "PR510",
                "contributors are malformed",
                "Each has an id, a signal_type, and a weight from 0 to 1 with at most 6 decimals.",
            ),
            Self::WeightSum => (
                "PR511",
                "weights do not sum to 1",
                "Under the policy `split` they do; under `each` they need not.",
            ),
            Self::ContributorTwice => (
                "PR512",
                "a contributor stands twice with one signal type",
                "Add the weights up where the event is made.",
            ),
            Self::ContributionPolicy => (
                "PR513",
                "a policy of contributions is unknown",
                "It is split or each, perhaps with a currency: split(USD).",
            ),
            Self::Facts => (
                "PR514",
                "facts about a user are malformed",
                "SPEC section 8.9 has their names and types.",
            ),
            Self::Counts => (
                "PR515",
                "a count is out of range",
                "Counts are not negative, and no part is larger than its whole.",
            ),
            Self::ConversionValue => (
                "PR516",
                "a value of conversions is malformed",
                "It is a decimal below 10^15 with at most 9 decimals.",
            ),
            Self::Transitions => (
                "PR517",
                "transitions are malformed",
                "Pass what precise_path_transitions returned.",
            ),
            Self::Game => (
                "PR518",
                "a game is malformed",
                "It is [{\"cohorts\":[…],\"value\":\"…\"}, …] with at most 20 cohorts in all.",
            ),
            Self::Price => (
                "PR601",
                "a price is malformed",
                "It is a CPM of at least 0 and below 10^9, with at most 9 decimals.",
            ),
            Self::Currency => (
                "PR602",
                "a currency is malformed",
                "It is three capital letters, as ISO 4217 has them.",
            ),
            Self::UnpricedEvent => (
                "PR603",
                "an impression has no price",
                "Its metadata.clearing_price is a CPM; without one nobody knows what is due.",
            ),
            Self::RoyaltyRate => (
                "PR604",
                "a royalty rate is out of range",
                "It is in parts per million, from 0 to 1,000,000.",
            ),
            Self::Accruals => (
                "PR605",
                "accruals are malformed",
                "It is [{\"accrued\":\"…\",\"contributor\":\"…\",\"currency\":\"…\"}, …], as precise_royalty returns it.",
            ),
            Self::MixedCurrencies => (
                "PR606",
                "currencies are mixed in one settlement",
                "Settle each currency by itself; nothing is converted.",
            ),
            Self::MinorDigits => (
                "PR607",
                "minor digits are not 0, 2 or 3",
                "They are the decimals of the currency's minor unit, by ISO 4217.",
            ),
            Self::OpenPeriod => (
                "PR608",
                "a period is not over",
                "It can be settled when its last day in UTC has passed.",
            ),
            Self::Statement => (
                "PR609",
                "a statement is malformed",
                "Pass what precise_settle or precise_statement returned, unchanged, with the same key.",
            ),
            Self::NoStatementLine => (
                "PR610",
                "the statement has no line of that contributor",
                "Ids of contributors compare by their bytes.",
            ),
            Self::NoRoyaltyRate => (
                "PR611",
                "a contributor has no royalty rate at that time",
                "Add one to precise.royalty_rate that is valid from then; what was refused is accrued with it.",
            ),
            Self::EarlierPeriod => (
                "PR612",
                "an earlier period is not settled",
                "Settle periods in their order, so that what is carried is paid in the next.",
            ),
            Self::WinRow => (
                "PR613",
                "a row of a win log is malformed",
                "Its id is not empty, its amounts are plain decimals; a spreadsheet may have cut digits.",
            ),
            Self::Depth => (
                "PR901",
                "containers are nested deeper than 128",
                "Flatten the document, or send the inner part as a string.",
            ),
            Self::CanonicalSize => (
                "PR902",
                "the canonical form is larger than 16 MiB",
                "Split the record, or mint the hash of its large part.",
            ),
            Self::InputSize => (
                "PR903",
                "a record's text is larger than 96 MiB",
                "No record whose canonical form fits in 16 MiB needs more, white space aside.",
            ),
            Self::PartBits => (
                "PR904",
                "too many hashes share their first 32 bits",
                "Proof hashes are uniform; this column holds something else.",
            ),
            Self::EntrySize => (
                "PR905",
                "a log entry is larger than 65,535 bytes",
                "Shorten its label; nothing else in it grows.",
            ),
            Self::CohortCount => (
                "PR906",
                "too many cohorts or contributors in one aggregate",
                "SPEC sections 9.3 and 10.1 have the limits; group by something first.",
            ),
            Self::SumSize => {
                ("PR907", "a sum leaves 128 bits", "Sum fewer or smaller amounts at a time.")
            }
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One refusal: its code, and where and why as far as known.
///
/// It is one pointer, so that the results of the hot path's small functions fit in a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Fault>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    code: Code,
    path: Option<String>,
    offset: Option<usize>,
    detail: Option<Cow<'static, str>>,
}

impl Error {
    /// An error with nothing but its code.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Fault { code, path: None, offset: None, detail: None }))
    }

    /// Adds the JSON path of the fault, spelled as in SPEC.md section 1.1.
    #[must_use]
    pub fn at_path(mut self, path: String) -> Self {
        self.0.path = Some(path);
        self
    }

    /// Adds the byte offset where reading stopped.
    #[must_use]
    pub fn at_offset(mut self, offset: usize) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// Adds what was found: a phrase, lower case, no full stop.
    #[must_use]
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The JSON path of the fault.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The byte offset, counted from the start of the text.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// What was found.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        self.0.code.hint()
    }

    /// `PR106 $.a`: what `precise_check` returns. Without a path, `PR301`.
    pub fn code_and_path(&self) -> String {
        match &self.0.path {
            Some(path) => alloc::format!("{} {path}", self.0.code),
            None => self.0.code.name().into(),
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// `PR106 an object has the same key twice at $.a`, without the code: engines carry that their way.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.message())?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        match (&self.0.path, self.0.offset) {
            (Some(path), Some(offset)) => write!(f, ", at {path} (byte {offset})"),
            (Some(path), None) => write!(f, ", at {path}"),
            (None, Some(offset)) => write!(f, ", at byte {offset}"),
            (None, None) => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

/// Shorthand for results of this crate.
pub type Result<T> = core::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_named_after_its_number_and_found_again() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0] < pair[1], "{} stands before {}", pair[0], pair[1]);
        }
        for &code in Code::ALL {
            assert_eq!(code.name(), alloc::format!("PR{}", code as u16));
            assert_eq!(Code::from_name(code.name()), Some(code));
            assert!(!code.message().ends_with('.'), "{code}: a message has no full stop");
            assert!(code.hint().ends_with('.'), "{code}: a hint is a sentence");
        }
        assert_eq!(Code::from_name("PR000"), None);
    }

    #[test]
    fn an_error_prints_what_where_and_why() {
        let error =
            Error::new(Code::Syntax).because("expected a colon").at_path("$.a".into()).at_offset(7);
        assert_eq!(
            alloc::format!("{error}"),
            "text is not JSON: expected a colon, at $.a (byte 7)"
        );
        assert_eq!(error.code_and_path(), "PR103 $.a");
    }
}
