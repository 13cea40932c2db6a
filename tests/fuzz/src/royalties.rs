//! The laws of royalties: accruals, statements, lines, states.

use precise_core::Code;
use precise_core::canonical::canonicalize;
use precise_core::money::{Amount, MinorDigits};
use precise_core::royalty::{
    Balances, Royalty, Statement, StatementKey, StatementLine, StatementLines,
};
use precise_core::verify::verify_statement_line;

/// Whatever is settled sums to the last unit, in any minor unit, and is a settlement again when it
/// is read.
pub fn accruals(data: &[u8]) {
    let balances = match Balances::parse(data) {
        Ok(balances) => balances,
        Err(error) => {
            let codes = [Code::Accruals, Code::MixedCurrencies, Code::SumSize];
            return assert!(codes.contains(&error.code()), "{error}");
        }
    };
    for digits in [0, 2, 3].map(MinorDigits::new) {
        let Ok(digits) = digits else { panic!("0, 2 and 3 are minor digits") };
        let settlement = match balances.settle(digits) {
            Ok(settlement) => settlement,
            Err(error) => return assert_eq!(error.code(), Code::SumSize),
        };
        let paid: u128 = settlement.lines().iter().map(|line| line.amount).sum();
        assert_eq!(paid, settlement.total());
        for line in settlement.lines() {
            assert!(line.carried.units() < digits.unit());
            assert!(line.amount == 0 || line.carried.units() > -digits.unit());
        }
        let json = settlement.to_json();
        assert_eq!(canonicalize(json.as_bytes()).as_deref(), Ok(json.as_bytes()));
        let again = precise_core::royalty::Settlement::parse(json.as_bytes());
        assert_eq!(again, Ok(settlement));
    }
}

/// A statement that is read is written so that it is read again, and with the key that it was made
/// with, and no other, each of its lines is shown to be in it.
pub fn statement(data: &[u8]) {
    let Ok(read) = Statement::parse(data) else { return };
    let json = read.to_json();
    assert_eq!(Statement::parse(json.as_bytes()).as_ref(), Ok(&read));
    assert_eq!(canonicalize(data).as_deref(), Ok(json.as_bytes()));
    let key = |byte| StatementKey::from_bytes(&[byte; 32]);
    let (Ok(key), Ok(other)) = (key(7), key(8)) else { panic!("32 bytes are a key") };
    // That of others is not known here.
    let period = read.period().clone();
    let Ok(made) = Statement::new(read.settlement().clone(), period, &key) else {
        panic!("a settlement is stated")
    };
    assert!(StatementLines::new(made.clone(), other).is_err());
    let Ok(lines) = StatementLines::new(made.clone(), key) else { panic!("its own key") };
    for line in made.settlement().lines() {
        let Ok(shown) = lines.line(&line.contributor) else { panic!("each has its line") };
        let verdict = verify_statement_line(shown.to_json().as_bytes(), None);
        assert!(verdict.holds(), "{}", verdict.to_json());
    }
}

/// A line is one if its first step holds; then it is written as it was read.
pub fn statement_line(data: &[u8]) {
    let verdict = verify_statement_line(data, None);
    let Ok(line) = StatementLine::parse(data) else {
        return assert_eq!(verdict.failed(), Some("line"));
    };
    assert!(matches!(verdict.failed(), None | Some("sum")));
    let json = line.to_json();
    assert_eq!(canonicalize(data).as_deref(), Ok(json.as_bytes()));
    assert_eq!(verify_statement_line(json.as_bytes(), None), verdict);
}

/// Bytes that are taken for a state come out again as they are: a state has one spelling.
pub fn royalty_state(data: &[u8]) {
    let mut royalty = Royalty::default();
    if let Err(error) = royalty.merge(data) {
        let codes = [Code::Arguments, Code::CohortCount, Code::SumSize];
        return assert!(codes.contains(&error.code()), "{error}");
    }
    let accruals = royalty.accruals();
    assert!(accruals.iter().all(|accrual| accrual.accrued >= Amount::default()));
    assert_eq!(royalty.state(), data);
    assert_eq!(royalty.state(), b"", "it was handed out");
}
