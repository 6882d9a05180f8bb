//! Where a Relay is: `ws://` or `wss://`, host, port and path.
//!
//! Parsed once, where the app names it; `dial.rs` goes there.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;

/// The address of a Relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrl {
    pub(super) transport: Transport,
    /// Name or IP address, in lower case and without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    authority: String,
    path: String,
}

/// What the WebSocket runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Tls,
}

/// Why a text is not the address of a Relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// It does not parse. Names outside of ASCII are written in Punycode.
    #[error("not a URL")]
    Malformed,
    /// It does not begin with `ws://` or `wss://`.
    #[error("not a ws:// or wss:// URL")]
    Scheme,
    /// No host, or port 0.
    #[error("a URL without a host and port to connect to")]
    Host,
    /// It holds a user name or password, which a login does not use and a log would show.
    #[error("a URL with a user name or password")]
    Credentials,
    /// `wss://` in a build without the feature `tls`.
    #[error("this build has no TLS")]
    NoTls,
}

impl RelayUrl {
    /// Host and port as a login is bound to them: in lower case, without the port that the scheme
    /// has by default.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    fn scheme(&self) -> &'static str {
        match self.transport {
            Transport::Plain => "ws",
            Transport::Tls => "wss",
        }
    }
}

impl FromStr for RelayUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri = Uri::from_str(text).map_err(|_| UrlError::Malformed)?;
        let (transport, port_by_default) = match uri.scheme_str() {
            Some("ws") => (Transport::Plain, 80),
            Some("wss") => (Transport::Tls, 443),
            _ => return Err(UrlError::Scheme),
        };
        if transport == Transport::Tls && !cfg!(feature = "tls") {
            return Err(UrlError::NoTls);
        }
        let authority = uri.authority().ok_or(UrlError::Host)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        let written = authority.host().to_ascii_lowercase();
        let rest = authority.as_str().get(written.len()..).ok_or(UrlError::Malformed)?;
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => port_by_default,
            Some(digits) => digits.parse().map_err(|_| UrlError::Host)?,
            None => return Err(UrlError::Malformed),
        };
        let host = written.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || port == 0 {
            return Err(UrlError::Host);
        }
        let authority = if port == port_by_default { written } else { format!("{written}:{port}") };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { transport, host, port, authority, path })
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RelayUrl, UrlError> {
        text.parse()
    }

    #[test]
    fn authority_is_what_the_url_says_in_one_spelling() {
        for (text, authority, host, port) in [
            ("ws://Relay.Example", "relay.example", "relay.example", 80),
            ("ws://relay.example:80/v1?x=1", "relay.example", "relay.example", 80),
            ("ws://relay.example:8080/", "relay.example:8080", "relay.example", 8080),
            ("ws://[::1]:9000", "[::1]:9000", "::1", 9000),
            ("ws://127.0.0.1", "127.0.0.1", "127.0.0.1", 80),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.authority(), url.host.as_str(), url.port), (authority, host, port), "{text}");
            assert_eq!(parse(&url.to_string()), Ok(url), "{text}");
        }
        assert_eq!(parse("ws://a/b?c=d").unwrap().to_string(), "ws://a/b?c=d");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn wss_has_its_own_port() {
        let url = parse("wss://relay.example:443").unwrap();
        assert_eq!((url.authority(), url.port), ("relay.example", 443));
        assert_eq!(parse("wss://relay.example:80").unwrap().authority(), "relay.example:80");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn wss_needs_tls() {
        assert_eq!(parse("wss://relay.example"), Err(UrlError::NoTls));
    }

    #[test]
    fn anything_else_says_what_is_wrong() {
        for (text, error) in [
            ("", UrlError::Malformed),
            ("relay.example", UrlError::Scheme),
            ("https://relay.example", UrlError::Scheme),
            ("/path", UrlError::Scheme),
            ("ws://", UrlError::Malformed),
            ("ws://a b", UrlError::Malformed),
            ("ws://:80", UrlError::Host),
            ("ws://a:0", UrlError::Host),
            ("ws://a:", UrlError::Host),
            ("ws://a:70000", UrlError::Host),
            ("ws://user@a", UrlError::Credentials),
            ("ws://user:secret@a:80", UrlError::Credentials),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text:?}");
        }
    }
}
