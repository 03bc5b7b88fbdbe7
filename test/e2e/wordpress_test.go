package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hypercloud/hyper/test/lab"
)

// TestWordPress is the walkthrough's site as its owner meets it: in a browser, from the installation to an entry that
// outlives a restart of both containers.
func TestWordPress(t *testing.T) {
	const (
		title = "A site on my own machine"
		entry = "The first entry"
		text  = "Written in a browser, kept on a volume."
	)
	l := newLab(t, "e2ep")
	w := wordpress{browser: newBrowser(t, l)}
	hyper(t, l, "run", "-d", "--name", "mysqldb", "-e", "MYSQL_ROOT_PASSWORD=12345678", "mysql")
	hyper(t, l, "run", "-d", "--name", "mywordpress", "--link", "mysqldb:mysql", "-p", "8080:80", "wordpress")
	ip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "fip", "attach", ip, "mywordpress")
	w.site = "http://" + ip + ":8080"

	w.install(title)
	wantTables(t, l)
	w.publish(entry, text)
	address := w.find(entry)
	w.wantEntry(address, text)

	hyper(t, l, "restart", "mysqldb")
	hyper(t, l, "restart", "mywordpress")
	w.wantEntry(address, text)
	wantTables(t, l)
	if got := w.text("document.title"); !strings.Contains(got, title) {
		t.Errorf("after the restart the site is called %q", got)
	}
}

// wordpress is a site in a browser. What is clicked on here has kept its name through many versions of WordPress; the
// editor of entries has not, and is left alone.
type wordpress struct {
	*browser
	site string
}

const (
	entryLink = ".wp-block-post-title a, .entry-title a"
	entryText = ".wp-block-post-content, .entry-content"
)

// install fills in the form that a new site shows, whatever is asked of it, and logs in.
func (w wordpress) install(title string) {
	w.t.Helper()
	const user, password = "owner", "correct horse battery staple 42"
	w.open(w.site, "#weblog_title")
	w.wait("document.querySelector('#pass1').value !== ''") // it proposes one, when the last of its scripts is there
	w.fill(input{"#weblog_title", title}, input{"#user_login", user}, input{"#pass1", password}, input{"#admin_email", "owner@example.com"})
	w.screenshot("wordpress-install")
	w.click("#submit", "a[href*='wp-login.php']")
	w.click("a[href*='wp-login.php']", "#wp-submit")
	w.fill(input{"#user_login", user}, input{"#user_pass", password})
	w.click("#wp-submit", "#wpadminbar")
}

// publish writes an entry as a quick draft, and publishes it from the list of entries.
func (w wordpress) publish(entry, text string) {
	w.t.Helper()
	w.open(w.site+"/wp-admin/index.php", "#quick-press")
	w.fill(input{"#title", entry}, input{"#content", text})
	w.click("#save-post", "#dashboard_quick_press .draft-title")

	w.open(w.site+"/wp-admin/edit.php?post_status=draft", "#the-list .row-title")
	// It can be seen when it has the focus, and is where the mouse can meet it in some versions of the browser only: keys do in all.
	w.do(chromedp.Focus(chromedp.CSS("#the-list .editinline")), chromedp.KeyEvent(kb.Enter))
	w.wait(shown(".inline-editor select[name=_status]"))
	w.do(chromedp.SetValue(chromedp.CSS(".inline-editor select[name=_status]"), "publish"),
		chromedp.Click(chromedp.CSS(".inline-editor .save")))
	w.wait("document.querySelector('.inline-editor') === null")
}

// find follows the entry's link on the front page, and returns the address that it leads to.
func (w wordpress) find(entry string) string {
	w.t.Helper()
	w.open(w.site, entryLink)
	w.screenshot("wordpress")
	address := w.text(fmt.Sprintf("[...document.querySelectorAll(%q)].find(a => a.innerText.trim() === %q)?.href ?? ''", entryLink, entry))
	if address == "" {
		w.t.Fatalf("the front page has no link to %q. It shows:\n%s", entry, w.page())
	}
	return address
}

func (w wordpress) wantEntry(address, text string) {
	w.t.Helper()
	w.open(address, entryText)
	if got := w.text(fmt.Sprintf("document.querySelector(%q).innerText.trim()", entryText)); got != text {
		w.t.Errorf("the entry at %s reads %q, want %q", address, got, text)
	}
}

// wantTables looks into the database from its own container.
func wantTables(t *testing.T, l *lab.Lab) {
	t.Helper()
	tables := strings.Fields(hyper(t, l, "exec", "mysqldb", "mysql", "-uroot", "-p12345678", "-N", "-e", "show tables from wordpress"))
	for _, want := range []string{"wp_options", "wp_posts", "wp_users"} {
		if !slices.Contains(tables, want) {
			t.Errorf("there is no table %s in the database; there are: %v", want, tables)
		}
	}
}
