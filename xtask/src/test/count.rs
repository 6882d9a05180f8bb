//! How many tests passed and failed, read from what test programs print.

use super::report::Outcome;

/// libtest: `test result: ok. 5 passed; 0 failed; 1 ignored; …`, once per test program.
pub fn libtest(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for line in text.lines().filter(|line| line.starts_with("test result: ")) {
        outcome.passed += before(line, "passed");
        outcome.failed += before(line, "failed");
    }
    outcome
}

/// pytest: `12 passed, 1 failed, 2 errors in 3.21s`, on the last line.
pub fn pytest(text: &str) -> Outcome {
    let last = text.lines().rev().find(|line| line.contains(" in ") && line.contains("passed"));
    let last = last.or_else(|| text.lines().rev().find(|line| line.contains("failed in")));
    let line = last.unwrap_or_default();
    Outcome {
        passed: before(line, "passed"),
        failed: before(line, "failed") + before(line, "error") + before(line, "errors"),
        note: None,
    }
}

/// Surefire: `Tests run: 24, Failures: 0, Errors: 0, Skipped: 0`, once per module. What one class came to
/// stands on lines of its own, with the time it took.
pub fn surefire(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let summed = |line: &&str| line.contains("Tests run: ") && !line.contains("Time elapsed");
    for line in text.lines().filter(summed) {
        let after = |word: &str| -> u64 {
            let rest = line.split(word).nth(1).unwrap_or_default();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        };
        let failed = after("Failures: ") + after("Errors: ");
        outcome.failed += failed;
        outcome.passed += after("Tests run: ").saturating_sub(failed + after("Skipped: "));
    }
    outcome
}

/// The last line of `veilfold-sim --json`: the histories together are one test, each switch is one more.
pub fn simulation(text: &str) -> Outcome {
    let said = last_json(text);
    let violations = said["violations"].as_array().map(Vec::len);
    let switches = said["switches"].as_u64().unwrap_or(0);
    let caught = said["switches_caught"].as_u64().unwrap_or(0);
    let histories = Outcome::of(violations == Some(0));
    Outcome {
        passed: histories.passed + caught,
        failed: histories.failed + switches.saturating_sub(caught),
        note: said["histories"].as_u64().map(|count| format!("{count} histories, {switches} switches")),
    }
}

/// The demo's last line: which of its claims hold. A claim that is not made does not hold.
pub fn demo(text: &str) -> Outcome {
    let said = last_json(text);
    let number = |key: &str| said[key].as_f64();
    let claims = [
        ("converged", said["converged"] == true),
        ("counter", number("counter") == Some(20.0)),
        ("trace_text_ok", said["trace_text_ok"] == true),
        ("trace_transactions", number("trace_transactions").is_some_and(|count| count > 0.0)),
        ("concurrent_at_seal", number("concurrent_at_seal").is_some_and(|count| count > 0.0)),
        ("relay_plaintext_hits", number("relay_plaintext_hits") == Some(0.0)),
        ("null_cipher_hits", number("null_cipher_hits").is_some_and(|hits| hits > 100.0)),
        ("state_roots_equal", said["state_roots_equal"] == true),
        ("root_reference_ok", said["root_reference_ok"] == true),
    ];
    let broken: Vec<&str> = claims.iter().filter(|(_, holds)| !holds).map(|(name, _)| *name).collect();
    let failed = broken.len() as u64;
    let note = (failed > 0).then(|| format!("does not hold: {}", broken.join(", ")));
    Outcome { passed: claims.len() as u64 - failed, failed, note }
}

/// The last line that is a JSON object, or nothing.
fn last_json(text: &str) -> serde_json::Value {
    let last = text.lines().rev().find(|line| line.starts_with('{')).unwrap_or("{}");
    serde_json::from_str(last).unwrap_or_default()
}

/// The number before a word: 5 in `ok. 5 passed; 0 failed` for `passed`.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',', ';', '=']).filter(|part| !part.is_empty()).collect();
    let at = words.iter().position(|part| *part == word);
    at.and_then(|at| words.get(at.checked_sub(1)?)).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(passed: u64, failed: u64) -> Outcome {
        Outcome { passed, failed, note: None }
    }

    #[test]
    fn test_programs_of_rust_are_added_up() {
        let text = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured\n\
                    test result: FAILED. 3 passed; 1 failed; 0 ignored\n";
        assert_eq!(libtest(text), outcome(5, 1));
        assert_eq!(libtest("error: could not compile"), outcome(0, 0));
    }

    #[test]
    fn the_last_line_of_pytest_is_read() {
        assert_eq!(pytest("....\n12 passed, 1 skipped in 3.21s\n"), outcome(12, 0));
        assert_eq!(pytest("F\n1 failed, 11 passed, 2 errors in 3.21s\n"), outcome(11, 3));
        assert_eq!(pytest("== 2 failed in 0.1s ==\n"), outcome(0, 2));
        assert_eq!(pytest("no tests ran in 0.01s\n"), outcome(0, 0));
    }

    #[test]
    fn modules_of_maven_are_added_up() {
        let text = "[INFO] Tests run: 6, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s -- in a.B\n\
                    [INFO] Tests run: 24, Failures: 0, Errors: 0, Skipped: 1\n\
                    [ERROR] Tests run: 5, Failures: 1, Errors: 2, Skipped: 0\n";
        assert_eq!(surefire(text), outcome(25, 3));
        assert_eq!(surefire("BUILD FAILURE"), outcome(0, 0));
    }

    #[test]
    fn histories_are_one_test_and_every_switch_is_one_more() {
        let said = |violations: &str, caught: u32| {
            format!(
                "2000 histories\n{{\"histories\":2000,\"violations\":{violations},\"switches\":8,\
                 \"switches_caught\":{caught}}}\n"
            )
        };
        let counts = |text: &str| (simulation(text).passed, simulation(text).failed);
        assert_eq!(counts(&said("[]", 8)), (9, 0));
        assert_eq!(counts(&said("[7,9]", 6)), (6, 3));
        assert_eq!(counts("it fell over"), (0, 1));
    }

    #[test]
    fn every_claim_of_the_demo_is_a_test() {
        let all = r#"{"converged":true,"counter":20,"trace_text_ok":true,"trace_transactions":26000,
            "concurrent_at_seal":11700,"relay_plaintext_hits":0,"null_cipher_hits":1000,
            "state_roots_equal":true,"root_reference_ok":true,"entries":9,"seconds":1.5}"#;
        assert_eq!(demo(&format!("as you see\n{}\n", all.replace('\n', ""))), outcome(9, 0));
        let broken = all.replace('\n', "").replace("hits\":0", "hits\":3");
        assert_eq!(demo(&broken).note.as_deref(), Some("does not hold: relay_plaintext_hits"));
        assert_eq!(demo("nothing").failed, 9);
    }
}
