
// Buttons that copy the command before them. Without scripts they are not shown.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const code = button.parentElement.querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// A link to a panel opens it.
function openTarget() {
  openAround(document.getElementById(location.hash.slice(1)));
}
addEventListener("hashchange", openTarget);
openTarget();
