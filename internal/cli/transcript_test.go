package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hypercloud/hyper/internal/cli/compose"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hyper":         func() { os.Exit(Main(nil)) },
		"hyper-compose": func() { os.Exit(Main(compose.Command)) },
	})
}

// TestTranscripts runs what users type against a server that only pretends. The file "wire" holds what it was asked.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			t := env.T().(testing.TB)
			f, host := startFake(t, filepath.Join(env.WorkDir, "wire"))
			env.Setenv("HYPER_HOST", host)
			env.Setenv("SOCKET", host)
			env.Setenv("REGION", f.region(t, filepath.Join(env.WorkDir, "authority.pem")))
			env.Setenv("HYPER_CONFIG", filepath.Join(env.WorkDir, "config"))
			// Another program's, which must not matter.
			env.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
			env.Setenv("DOCKER_CONTEXT", "nosuch")
			return os.WriteFile(filepath.Join(env.WorkDir, "wire"), nil, 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": checkCode,
		},
	})
}

// checkCode runs "code N command args..." and fails unless the command ends with N. Its output is in the files
// "out" and "err".
func checkCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("sh", append([]string{"-c", `"$@" >out 2>err; echo $? >code`, "sh"}, args[1:]...)...)
	ts.Check(err)
	if got := ts.ReadFile(ts.MkAbs("code")); got != fmt.Sprintln(args[0]) {
		ts.Fatalf("exit code %s, want %s\n%s%s", got, args[0], ts.ReadFile(ts.MkAbs("out")), ts.ReadFile(ts.MkAbs("err")))
	}
}
