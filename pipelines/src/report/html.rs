//! Small pieces of HTML.

use maud::{Markup, html};

/// Returns a list of names and values without those that have no value.
pub(super) fn definitions<'a>(
    pairs: impl IntoIterator<Item = (&'a str, Option<String>)>,
) -> Markup {
    html! {
        dl {
            @for (name, value) in pairs {
                @if let Some(value) = value {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
    }
}

/// Returns an SVG file as an image, in which a browser runs no scripts.
pub(super) fn picture(svg: &str, what_it_shows: &str) -> Markup {
    html! { div.paper { img src=(data_url(svg)) alt=(what_it_shows); } }
}

/// Returns the address of an image that holds the whole SVG file.
fn data_url(svg: &str) -> String {
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
    url
}

/// Returns a part of the page that is closed until it is clicked.
pub(super) fn details(summary: &str, content: Markup) -> Markup {
    html! { details { summary { (summary) } (content) } }
}

/// Returns an explanation in small print.
pub(super) fn hint(text: &str) -> Markup {
    html! { p.hint { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_content_or_attributes() {
        let list = definitions([("<b a=\"1\">&", Some("<i>".to_string())), ("none", None)]);
        let escaped = "<div><dt>&lt;b a=&quot;1&quot;&gt;&amp;</dt><dd>&lt;i&gt;</dd></div>";
        assert_eq!(list.into_string(), format!("<dl>{escaped}</dl>"));
        let picture = picture("<svg a='%'>\"&é#\n1</svg>\n", "\"").into_string();
        assert!(
            picture.contains(
                "src=\"data:image/svg+xml,%3Csvg a=%27%25%27%3E%22%26%C3%A9%23%0A1%3C/svg%3E\""
            ),
            "{picture}"
        );
        assert!(picture.contains("alt=\"&quot;\""), "{picture}");
        assert_eq!(hint("plain µ text").into_string(), "<p class=\"hint\">plain µ text</p>");
    }
}
