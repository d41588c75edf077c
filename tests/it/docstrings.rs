//! Help of parameters in docstrings of the three usual styles.

use serde_json::json;

use crate::harness::{Home, plugin_code};

const ROUTES: &str = r#"
from fastapi import Header, Query

@router.get("/google/{key}")
def google(key: str, max_results: int = Query(5, alias="maxResults"), note: str = Query("", description="Its own")):
    """Find in Google style.

    More about it.

    Args:
        key: Which one,
            on two lines.
        max_results: How many.
        note: Not this.

    Returns:
        No reader of the help needs this.

    Examples:
        d google A-1
    """

@router.get("/numpy")
def numpy(size: float = 1.0, x_trace: str = Header("")):
    """Find in NumPy style.

    Parameters
    ----------
    size : float
        How large.
    x_trace : str
        Where from.
    """

@router.post("/sphinx")
async def sphinx(names: list[str], strict: bool = False):
    """Find in Sphinx style.

    :param names: Which ones.
    :param strict: How exactly.
    :returns: Something.
    """

@router.get("/plain", description="Given by hand.\n\nArgs: are not meant here.")
def plain(word: str = ""):
    """Not shown.

    Args:
        word: Still known.
    """
"#;

#[test]
fn parameters_are_explained_by_the_docstring_of_their_handler() {
    for fastapi in ["fastapi==0.109.0", "fastapi"] {
        let home = Home::new();
        let manifest = json!({"dependencies": [fastapi]}).to_string();
        home.plugin("d", &plugin_code("d", ROUTES), &manifest);
        home.control(&["start"]).ok();
        let help = |command: &str| home.get(&format!("/d/help?command={command}")).json();
        let texts = |command: &str| {
            let help = help(command);
            let parameters = help["parameters"].as_array().unwrap().clone();
            let texts = parameters.iter().map(|each| {
                let text = each.get("description").and_then(|text| text.as_str());
                format!("{}: {}", each["name"].as_str().unwrap(), text.unwrap_or_default())
            });
            texts.collect::<Vec<_>>()
        };
        assert_eq!(
            texts("google"),
            ["key: Which one, on two lines.", "maxResults: How many.", "note: Its own"]
        );
        let google = help("google");
        assert_eq!(google["summary"], json!("Find in Google style."));
        assert_eq!(google["description"], json!("More about it."));
        assert_eq!(google["examples"], json!(["d google A-1"]));
        assert_eq!(texts("numpy"), ["size: How large.", "x-trace: Where from."]);
        assert_eq!(help("numpy")["description"], json!(""));
        assert!(texts("sphinx").contains(&"strict: How exactly.".to_owned()), "{fastapi}");
        assert_eq!(texts("plain"), ["word: Still known."]);
        assert_eq!(help("plain")["summary"], json!("Given by hand."));
        // The document stays FastAPI's own.
        let document = home.get("/d/openapi.json").text();
        assert!(
            document.contains("on two lines.")
                && document.contains("No reader of the help needs this.")
        );
    }
}
