package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hypercloud/hyper/test/lab"
)

// screenshotsEnv names a directory (by its absolute path) for pictures of what the browser shows; without it none are taken.
const screenshotsEnv = "HYPER_SCREENSHOTS"

// browser is a headless Chromium inside a lab, with one tab. Its methods fail the test when the page does not do what
// is asked, and say then what it shows.
type browser struct {
	t   *testing.T
	tab context.Context //nolint:containedctx // chromedp's name for a tab is a context
}

// newBrowser starts Chromium as a process of the lab's machine. It is spoken to over a pair of pipes, which reach into
// the lab's namespaces where an address would not.
func newBrowser(t *testing.T, l *lab.Lab) *browser {
	t.Helper()
	program := chromium()
	if program == "" {
		t.Fatal("this test looks at a web site in Chromium, and there is none: install Debian's package chromium, or Google Chrome")
	}
	home := filepath.Join(l.Dir, "browser")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.NoSandbox, // it refuses to be root's otherwise
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "TMPDIR="+home),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			inside := l.Command(context.Background(), cmd.Path, cmd.Args[1:]...)
			cmd.Path, cmd.Args = inside.Path, inside.Args
		}),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tab, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		closeTab()
		stop()
	})
	// The browser lives as long as the context of its first step, so this one has no time limit.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	return &browser{t: t, tab: tab}
}

func chromium() string {
	for _, name := range []string{"chromium", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// open goes to an address until the page there has what is wanted: a server that starts answers with less at first.
func (b *browser) open(address, selector string) {
	b.t.Helper()
	for end := time.Now().Add(90 * time.Second); ; {
		err := b.within(20*time.Second, chromedp.Navigate(address))
		if err == nil && b.becomes(shown(selector), 2*time.Second) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s does not show %s (%v). It shows:\n%s", address, selector, err, b.page())
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// click clicks on something and waits until the page, or the next one, has what is wanted.
func (b *browser) click(selector, wanted string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
	b.wait(shown(wanted))
}

// input is a field of a form, and what a user types there.
type input struct{ field, text string }

// fill types into the fields of a form. The page's own script may move the focus meanwhile, so it looks at the result,
// and types again where that is not what was meant.
func (b *browser) fill(fields ...input) {
	b.t.Helper()
	wrong := ""
	for range 5 {
		for _, f := range fields {
			b.wait(shown(f.field))
			b.do(chromedp.Focus(chromedp.CSS(f.field)),
				chromedp.Evaluate[chromedp.Void]("document.activeElement.select()"), // to be replaced by what is typed
				chromedp.SendKeys(chromedp.CSS(f.field), f.text))
		}
		wrong = ""
		for _, f := range fields {
			if !b.is(fmt.Sprintf("document.querySelector(%q).value === %q", f.field, f.text)) {
				wrong = f.field
			}
		}
		if wrong == "" {
			return
		}
	}
	b.t.Fatalf("what is typed into %s does not stay. The page shows:\n%s", wrong, b.page())
}

// do takes steps in the page.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.within(30*time.Second, steps...); err != nil {
		b.t.Fatalf("in the browser: %v. The page shows:\n%s", err, b.page())
	}
}

// wait waits until a JavaScript expression is true.
func (b *browser) wait(condition string) {
	b.t.Helper()
	if !b.becomes(condition, 60*time.Second) {
		b.t.Fatalf("in the browser, %s does not become true. The page shows:\n%s", condition, b.page())
	}
}

// becomes asks again and again, from outside: what waits inside a page ends with the page.
func (b *browser) becomes(condition string, within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b.is(condition) {
			return true
		}
	}
	return false
}

func (b *browser) is(condition string) bool {
	ctx, cancel := context.WithTimeout(b.tab, 10*time.Second)
	defer cancel()
	yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
	return err == nil && yes // a page that is just being replaced is an error, and no answer
}

// shown is true when the page is complete, its scripts included, and has something that can be seen under the selector.
func shown(selector string) string {
	return fmt.Sprintf("document.readyState === 'complete' && (document.querySelector(%q)?.getClientRects().length ?? 0) > 0", selector)
}

// text evaluates a JavaScript expression that is a string.
func (b *browser) text(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("in the browser, %s: %v", expression, err)
	}
	return text
}

// page is the address and the text of what is shown, for people.
func (b *browser) page() string {
	b.t.Helper()
	return b.text("location.href + '\\n' + document.body.innerText")
}

// screenshot keeps a picture of what is shown as NAME.png, if pictures are wanted.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv(screenshotsEnv)
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.tab, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("a picture of the page: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) within(limit time.Duration, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.tab, limit)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}
