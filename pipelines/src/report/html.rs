//! Small pieces of HTML. Whatever comes from a file goes through [`escape`].

/// Text that is safe as an element's content and as a quoted attribute.
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

/// A list of names and values; values that are not there are left out.
pub(super) fn definitions<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let mut html = String::from("<dl>\n");
    for (name, value) in pairs {
        if let Some(value) = value {
            html.push_str(&format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(&value)));
        }
    }
    html.push_str("</dl>\n");
    html
}

/// A part that is closed until it is clicked on.
pub(super) fn details(summary: &str, content: &str) -> String {
    format!("<details><summary>{}</summary>\n{content}</details>\n", escape(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_content_or_attributes() {
        assert_eq!(escape("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(escape("plain µ text"), "plain µ text");
    }
}
