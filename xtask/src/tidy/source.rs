//! Rust source as words and signs: enough to see paths, without comments and texts.
//!
//! Used by `layers.rs`. This is no parser; what it cannot tell apart does not matter for paths.

/// A word or a sign, with the line where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// Splits a source file; comments, strings and characters are left out.
pub fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let (end, token) = next(&text, at);
        if let Some(token) = token {
            tokens.push(Token { text: token, line });
        }
        line += text[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn next(text: &[char], at: usize) -> (usize, Option<String>) {
    let follows = |what: &str| what.chars().enumerate().all(|(n, c)| text.get(at + n) == Some(&c));
    let first = text[at];
    if follows("//") {
        return (until(text, at, |c| c == '\n'), None);
    }
    if follows("/*") {
        return (block_comment(text, at), None);
    }
    if first == '"' {
        return (quoted(text, at + 1), None);
    }
    if let Some(end) = raw_string(text, at) {
        return (end, None);
    }
    if first == '\'' {
        return (character_or_lifetime(text, at), None);
    }
    if follows("::") {
        return (at + 2, Some("::".to_owned()));
    }
    if first.is_alphabetic() || first == '_' {
        let end = until(text, at, |c| !(c.is_alphanumeric() || c == '_'));
        // A prefix of a string: b"…", c"…".
        if end - at == 1 && "bc".contains(first) && text.get(end) == Some(&'"') {
            return (quoted(text, end + 1), None);
        }
        return (end, Some(text[at..end].iter().collect()));
    }
    let token = if first.is_whitespace() { None } else { Some(first.to_string()) };
    (at + 1, token)
}

fn until(text: &[char], at: usize, stop: impl Fn(char) -> bool) -> usize {
    (at..text.len()).find(|n| stop(text[*n])).unwrap_or(text.len())
}

fn block_comment(text: &[char], at: usize) -> usize {
    let (mut depth, mut n) = (0, at);
    while n < text.len() {
        match (text[n], text.get(n + 1)) {
            ('/', Some('*')) => (depth, n) = (depth + 1, n + 2),
            ('*', Some('/')) => (depth, n) = (depth - 1, n + 2),
            _ => n += 1,
        }
        if depth == 0 {
            return n;
        }
    }
    n
}

fn quoted(text: &[char], mut at: usize) -> usize {
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn raw_string(text: &[char], at: usize) -> Option<usize> {
    let start = match (text[at], text.get(at + 1)) {
        ('r', _) => at + 1,
        ('b' | 'c', Some('r')) => at + 2,
        _ => return None,
    };
    let quote = until(text, start, |c| c != '#');
    if text.get(quote) != Some(&'"') {
        return None;
    }
    let hashes = quote - start;
    let ends = |n: usize| text[n] == '"' && (1..=hashes).all(|k| text.get(n + k) == Some(&'#'));
    Some((quote + 1..text.len()).find(|n| ends(*n)).map_or(text.len(), |n| n + 1 + hashes))
}

/// `'a'`, `'\n'` and `'"'` are characters, `'a` is a lifetime.
fn character_or_lifetime(text: &[char], at: usize) -> usize {
    match (text.get(at + 1), text.get(at + 2)) {
        (Some('\\'), _) => (at + 3..text.len()).find(|n| text[*n] == '\'').map_or(text.len(), |n| n + 1),
        (_, Some('\'')) => at + 3,
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_texts_are_left_out() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(
            words(r##"x("use \" crate::y", r#"a"b"#, b"z", 'q', '\'', '"') w"##),
            ["x", "(", ",", ",", ",", ",", ",", ")", "w"]
        );
    }

    #[test]
    fn lifetimes_are_no_characters() {
        assert_eq!(words("fn f<'a>(x: &'a str) {}").last().map(String::as_str), Some("}"));
    }

    #[test]
    fn lines_are_counted_through_comments_and_texts() {
        let found = tokens("/*\n\n*/ a \"\n\" b");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [3, 4]);
    }
}
