//! Text, cut into statements: as it comes, so that a pipe is answered statement by statement.
//!
//! What is a string, a comment or a semicolon is told by the tokens of DataFusion's own SQL
//! parser, and by the dialect that is set at that moment.

use std::collections::VecDeque;
use std::fmt;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::config::Dialect;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::{self, GenericDialect, dialect_from_str};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{
    Location, Token, TokenWithSpan, Tokenizer, TokenizerError,
};

use crate::failure::Failure;

type Result<T, E = Failure> = std::result::Result<T, E>;

/// How statements are read, which a statement may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parser {
    pub(crate) dialect: Dialect,
    pub(crate) recursion_limit: usize,
}

impl Parser {
    fn dialect(self) -> Box<dyn dialect::Dialect> {
        // Every dialect that can be set is one the parser knows.
        dialect_from_str(self.dialect).unwrap_or_else(|| Box::new(GenericDialect))
    }

    /// The tokens up to the end, or up to where the text cannot be cut into any.
    fn tokens(self, text: &str) -> (Vec<TokenWithSpan>, Option<TokenizerError>) {
        let dialect = self.dialect();
        let mut tokens = Vec::new();
        let mut tokenizer = Tokenizer::new(dialect.as_ref(), text);
        let done = tokenizer.tokenize_with_location_into_buf(&mut tokens);
        (tokens, done.err())
    }

    /// One statement; none if there is nothing but semicolons.
    fn parse(self, tokens: Vec<TokenWithSpan>) -> Result<Option<Statement>, DataFusionError> {
        if depth(&tokens) > DEPTH {
            let said = format!("the statement has more than {DEPTH} operators in a row");
            return Err(DataFusionError::External(said.into()));
        }
        let dialect = self.dialect();
        let mut parser = DFParserBuilder::new(tokens)
            .with_dialect(dialect.as_ref())
            .with_recursion_limit(self.recursion_limit)
            .build()?;
        Ok(parser.parse_statements()?.pop_front())
    }

    /// Whether a prompt may take `text` as it is, because it ends in a semicolon or is wrong in a
    /// way that no further line can mend.
    pub(crate) fn is_complete(self, text: &str) -> bool {
        let (tokens, error) = self.tokens(text);
        if let Some(TokenizerError { message, .. }) = error {
            return !(message.contains("nterminated") || message.contains("EOF"));
        }
        let mut told = tokens.iter().rev().map(|token| &token.token);
        told.find(|token| !is_blank(token)).is_none_or(|token| *token == Token::SemiColon)
    }
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_) | Token::EOF)
}

/// The deepest that a statement may be. The parser itself limits only what stands in brackets.
const DEPTH: usize = 5000;

/// How deep the tree of a statement can become, at most: each operator may hold all before it, and
/// so may each set operation and join.
fn depth(tokens: &[TokenWithSpan]) -> usize {
    /// What is inside one pair of brackets.
    #[derive(Clone, Copy, Default)]
    struct Level {
        queries: usize,
        operators: usize,
    }
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let (mut around, mut deepest) = (0, 0);
    for token in tokens {
        match &token.token {
            Token::Word(word) => match word.keyword {
                Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::NOTNULL
                | Keyword::OVERLAPS
                | Keyword::DIV
                | Keyword::COLLATE
                | Keyword::ZONE
                | Keyword::EXPLAIN => level.operators += 1,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN => {
                    level = Level { queries: level.queries + 1, operators: 0 };
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::ON
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE => level.operators = 0,
                _ => {}
            },
            Token::Comma => level.operators = 0,
            Token::LParen | Token::LBracket | Token::LBrace => {
                // A subscript is also an operator on what it stands behind.
                level.operators += 1;
                around += level.queries + level.operators;
                outer.push(std::mem::take(&mut level));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                level = outer.pop().unwrap_or_default();
                around = around.saturating_sub(level.queries + level.operators);
            }
            Token::Whitespace(_)
            | Token::Number(..)
            | Token::Period
            | Token::SingleQuotedString(_)
            | Token::SemiColon
            | Token::EOF => {}
            // What is not an operator either is rare, and not in a row.
            _ => level.operators += 1,
        }
        deepest = deepest.max(around + level.queries + level.operators);
    }
    deepest
}

/// Where a statement begins.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The file, or what is read instead of one.
    pub(crate) source: Arc<str>,
    /// Counted from 1.
    pub(crate) line: u64,
    /// As much of its first line as fits on one with the rest.
    start: String,
}

/// `script.sql, line 3: SELECT …`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.source, self.line)?;
        if self.start.is_empty() { Ok(()) } else { write!(f, ": {}", self.start) }
    }
}

/// The longest start of a statement that an error repeats.
const START: usize = 60;

/// Where every text begins, as the tokenizer counts.
const ORIGIN: Location = Location { line: 1, column: 1 };

/// Statements, read one at a time.
pub(crate) struct Script<R> {
    source: Arc<str>,
    reader: R,
    ended: bool,
    /// What was read and does not belong to a statement that was given out.
    text: String,
    /// Where `text` begins.
    origin: Location,
    /// Statements in `text` whose ends are known, cut for `parser`.
    pieces: VecDeque<Piece>,
    /// Where in `text` the last of them ends.
    cut: usize,
    parser: Option<Parser>,
}

/// A statement as tokens, and where in the text it stands.
struct Piece {
    tokens: Vec<TokenWithSpan>,
    /// Where it begins: behind the semicolon before it.
    begin: usize,
    /// Where its first word is, if it has any.
    place: Option<Place>,
}

impl<R: BufRead> Script<R> {
    /// Statements of a file or something like it; `source` names it.
    pub(crate) fn new(source: &str, reader: R) -> Self {
        Self {
            source: source.into(),
            reader,
            ended: false,
            text: String::new(),
            origin: ORIGIN,
            pieces: VecDeque::new(),
            cut: 0,
            parser: None,
        }
    }

    /// The next statement and its place, if there is one more.
    pub(crate) fn next(&mut self, parser: Parser) -> Result<Option<(Statement, Place)>> {
        if self.parser.replace(parser).is_some_and(|before| before != parser) {
            // What follows may be cut in another way now.
            self.cut = self.pieces.front().map_or(self.cut, |piece| piece.begin);
            self.pieces.clear();
        }
        loop {
            while let Some(piece) = self.pieces.pop_front() {
                let Some(place) = piece.place else { continue };
                match parser.parse(piece.tokens) {
                    Ok(Some(statement)) => return Ok(Some((statement, place))),
                    Ok(None) => {}
                    Err(error) => return Err(Failure::from(error).at(place)),
                }
            }
            if !self.fill(parser)? {
                return Ok(None);
            }
        }
    }

    /// Reads on until there are pieces. False if there is nothing left.
    fn fill(&mut self, parser: Parser) -> Result<bool> {
        self.origin = moved(self.origin, &self.text[..self.cut]);
        self.text.drain(..self.cut);
        self.cut = 0;
        // What is left may hold an end, for another dialect than the one it was cut for.
        let mut may_end = self.text.contains(';');
        let mut enough = 0;
        loop {
            while !(self.ended || may_end && self.text.len() >= enough) {
                may_end |= self.read_line()?;
            }
            let (tokens, error) = parser.tokens(&self.text);
            self.refuse_command(&tokens)?;
            self.cut_at_semicolons(tokens, self.ended && error.is_none());
            match error {
                _ if !self.pieces.is_empty() => return Ok(true),
                Some(error) if self.ended => return Err(self.misread(error)),
                _ if self.ended => return Ok(false),
                _ => {}
            }
            // Where a long text has no end yet, looking again at each line would take for ever.
            enough = self.text.len() + self.text.len() / 2;
            may_end = false;
        }
    }

    /// A command is one line at the prompt, and would be half a statement here.
    fn refuse_command(&self, tokens: &[TokenWithSpan]) -> Result<()> {
        let first = tokens.iter().map(|token| &token.token).find(|token| !is_blank(token));
        if first != Some(&Token::Backslash) {
            return Ok(());
        }
        let said = r"a command, such as \d, works at the prompt and with -c, not in a script";
        Err(Failure::Usage(format!("{}: {said}", self.source)))
    }

    /// Appends a line. True if a statement may end in it.
    fn read_line(&mut self) -> Result<bool> {
        let mut line = Vec::new();
        let failed = |error| Failure::io("read", Path::new(self.source.as_ref()), &error);
        self.ended = self.reader.read_until(b'\n', &mut line).map_err(failed)? == 0;
        let Ok(text) = str::from_utf8(&line) else {
            let line = moved(self.origin, &self.text).line;
            let source = &self.source;
            return Err(Failure::Io(format!("cannot read {source}: line {line} is not UTF-8")));
        };
        // Some editors mark UTF-8 at its start.
        let is_start = self.text.is_empty() && self.origin == ORIGIN;
        let marked = text.strip_prefix('\u{feff}').filter(|_| is_start);
        self.text.push_str(marked.unwrap_or(text));
        Ok(text.contains(';'))
    }

    /// Cuts tokens at semicolons. What follows the last one is a piece if it is `whole`.
    fn cut_at_semicolons(&mut self, tokens: Vec<TokenWithSpan>, whole: bool) {
        let mut cursor = Cursor { text: &self.text, at: 0, location: ORIGIN };
        let mut pieces = VecDeque::new();
        let mut piece = Vec::new();
        let mut begin = 0;
        for token in tokens {
            let ends = token.token == Token::SemiColon;
            piece.push(token);
            if ends {
                let (tokens, place) = self.locate(std::mem::take(&mut piece), &mut cursor);
                pieces.push_back(Piece { tokens, begin, place });
                begin = cursor.at;
            }
        }
        if whole && !piece.is_empty() {
            let (tokens, place) = self.locate(piece, &mut cursor);
            pieces.push_back(Piece { tokens, begin, place });
            begin = self.text.len();
        }
        self.pieces = pieces;
        self.cut = begin;
    }

    /// The tokens of a piece where they are in the whole script, and where the first word is.
    /// Leaves `cursor` behind the last one.
    fn locate(
        &self,
        mut tokens: Vec<TokenWithSpan>,
        cursor: &mut Cursor<'_>,
    ) -> (Vec<TokenWithSpan>, Option<Place>) {
        let mut place = None;
        for token in &mut tokens {
            if place.is_none() && !is_blank(&token.token) {
                let begin = cursor.find(token.span.start);
                let line = shifted(token.span.start, self.origin).line;
                let start = start_of(&self.text[begin..]);
                place = Some(Place { source: Arc::clone(&self.source), line, start });
            }
            if token.token == Token::SemiColon {
                cursor.find(token.span.end);
            }
            token.span.start = shifted(token.span.start, self.origin);
            token.span.end = shifted(token.span.end, self.origin);
        }
        // A semicolon by itself is no statement.
        (tokens, place)
    }

    /// A text that ends inside a string, or cannot be cut into tokens for another reason.
    fn misread(&self, mut error: TokenizerError) -> Failure {
        let begin = self.text.len() - self.text.trim_start().len();
        let line = moved(self.origin, &self.text[..begin]).line;
        let start = start_of(&self.text[begin..]);
        error.location = shifted(error.location, self.origin);
        let error = DataFusionError::SQL(Box::new(ParserError::from(error)), None);
        Failure::from(error).at(Place { source: Arc::clone(&self.source), line, start })
    }
}

/// The first line of a statement, or as much of it as fits.
fn start_of(text: &str) -> String {
    let line = text.split(['\n', ';']).next().unwrap_or_default().trim();
    match line.char_indices().nth(START) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into(),
    }
}

/// Finds bytes by the tokenizer's lines and columns, from the start of a text to its end.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    location: Location,
}

impl Cursor<'_> {
    fn find(&mut self, location: Location) -> usize {
        for character in self.text[self.at..].chars() {
            let Location { line, column } = self.location;
            if (line, column) >= (location.line, location.column) {
                break;
            }
            self.at += character.len_utf8();
            self.location = step(self.location, character);
        }
        self.at
    }
}

fn step(location: Location, character: char) -> Location {
    match character {
        '\n' => Location { line: location.line + 1, column: 1 },
        _ => Location { line: location.line, column: location.column + 1 },
    }
}

/// The place behind `text`, which begins at `location`.
fn moved(location: Location, text: &str) -> Location {
    text.chars().fold(location, step)
}

/// A place in a text that begins at `origin`, from the text's own start to the whole's.
fn shifted(location: Location, origin: Location) -> Location {
    let column =
        if location.line == 1 { location.column + origin.column - 1 } else { location.column };
    Location { line: location.line + origin.line - 1, column }
}
