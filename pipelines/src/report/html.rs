//! Small pieces of HTML. All text from files goes through [`escape`].

/// Returns text that is safe as an element's content and as a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns a list of names and values without those that have no value.
pub(super) fn definitions<'a>(
    pairs: impl IntoIterator<Item = (&'a str, Option<String>)>,
) -> String {
    let mut html = String::from("<dl>\n");
    for (name, value) in pairs {
        if let Some(value) = value {
            html.push_str(&format!(
                "<div><dt>{}</dt><dd>{}</dd></div>\n",
                escape(name),
                escape(&value)
            ));
        }
    }
    html.push_str("</dl>\n");
    html
}

/// Returns an SVG file as an image, in which a browser runs no scripts.
pub(super) fn picture(svg: &str, what_it_shows: &str) -> String {
    let mut url = String::from("data:image/svg+xml,");
    for byte in svg.trim().bytes() {
        match byte {
            b' ' | b'=' | b'.' | b',' | b'-' | b'/' | b':' | b'(' | b')' => {
                url.push(char::from(byte));
            }
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("<div class=\"paper\"><img src=\"{url}\" alt=\"{}\"></div>\n", escape(what_it_shows))
}

/// Returns a part of the page that is closed until it is clicked.
pub(super) fn details(summary: &str, content: &str) -> String {
    format!("<details><summary>{}</summary>\n{content}</details>\n", escape(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_content_or_attributes() {
        assert_eq!(escape("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        let picture = picture("<svg a='%'>\"&é#\n1</svg>\n", "\"");
        assert!(
            picture.contains(
                "src=\"data:image/svg+xml,%3Csvg a=%27%25%27%3E%22%26%C3%A9%23%0A1%3C/svg%3E\""
            ),
            "{picture}"
        );
        assert!(picture.contains("alt=\"&quot;\""), "{picture}");
        assert_eq!(escape("plain µ text"), "plain µ text");
    }
}
