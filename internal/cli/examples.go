package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// exampleOf is what help and the reference show of a command in use; nothing for one of docker/cli's that is as it is there.
func exampleOf(cmd *cobra.Command) string {
	return strings.TrimSpace(examples[strings.TrimPrefix(cmd.CommandPath(), "hyper ")])
}

// examples are by the command's path. A line that begins with $ is typed; a test reads it as hyper would.
var examples = map[string]string{
	"run": `
$ hyper run -d --name web --size s2 -p 8080:80 nginx
$ hyper run --rm -it --size s1 busybox sh
$ hyper run --dry-run --size m1 -v pgdata:/var/lib/postgresql/data postgres
$ hyper run -d --name db --sg internal -v pgdata:/var/lib/postgresql/data postgres
$ hyper run -d -v /home/me/site:/usr/share/nginx/html nginx
$ hyper run -d -v https://example.org/shop.git:release/2:/srv nginx`,
	"create": `
$ hyper create --name web --size m1 --protection true -p 80 nginx
$ hyper start web`,
	"rm": `
$ hyper rm -f -v web
web
NOTICE : attached volume(pgdata) is not deleted`,
	"ps": `
$ hyper ps -a --filter label=app=shop
$ hyper ps --format '{{.Names}} {{.PublicIP}}'
$ hyper ps --json`,
	"port": `
$ hyper port web
80/tcp -> 0.0.0.0:8080
$ hyper port web 80
0.0.0.0:8080`,
	"stats": `
$ hyper stats --no-stream web db`,
	"inspect": `
$ hyper inspect -f '{{.NetworkSettings.IPAddress}}' web
172.16.0.2`,
	"update": `
$ hyper update --protection true web
$ hyper update --sg-add web-sg --sg-rm internal web`,

	"build": `
$ hyper build -t shop:2 .
$ hyper build -t shop:2 --target release --build-arg VERSION=2 -f deploy/Dockerfile .`,
	"compose up": `
$ hyper compose up -d
Project [shop]: Starting project
[0/2] [db]: Starting
[1/2] [db]: Started
[1/2] [web]: Starting
[2/2] [web]: Started
Project [shop]: Project started
$ hyper compose -f compose.yaml -f live.yaml --profile jobs up -d --yes web`,
	"compose create":  "$ hyper compose create --no-recreate",
	"compose start":   "$ hyper compose start web",
	"compose stop":    "$ hyper compose stop -t 30 db",
	"compose restart": "$ hyper compose restart web",
	"compose kill":    "$ hyper compose kill -s HUP web",
	"compose rm":      "$ hyper compose rm -v",
	"compose down": `
$ hyper compose down
$ hyper compose -p shop down -v --rmi all`,
	"compose pause":   "$ hyper compose pause db",
	"compose unpause": "$ hyper compose unpause db",
	"compose scale":   "$ hyper compose scale worker=3",
	"compose run": `
$ hyper compose run --rm web rake db:migrate`,
	"compose exec":   "$ hyper compose exec db mysql -uroot -p",
	"compose cp":     "$ hyper compose cp db:/var/log/mysql.log .",
	"compose attach": "$ hyper compose attach --no-stdin web",
	"compose logs":   "$ hyper compose logs -f --tail 20 web",
	"compose events": "$ hyper compose events --json",
	"compose wait":   "$ hyper compose wait migration",
	"compose watch":  "$ hyper compose watch web",
	"compose ps": `
$ hyper compose ps
Name        Command                 State         Ports
shop-web-1  nginx -g 'daemon off;'  Up 2 minutes  0.0.0.0:8080->80/tcp
$ hyper compose ps --json`,
	"compose ls":     "$ hyper compose ls -a",
	"compose top":    "$ hyper compose top web",
	"compose stats":  "$ hyper compose stats --no-stream",
	"compose images": "$ hyper compose images -q",
	"compose port": `
$ hyper compose port web 80
0.0.0.0:8080`,
	"compose volumes": "$ hyper compose volumes",
	"compose pull":    "$ hyper compose pull web",
	"compose build":   "$ hyper compose build --build-arg VERSION=2 web",
	"compose config":  "$ hyper compose config --images",
	"compose version": "$ hyper compose version --short",

	"images":  "$ hyper images --filter dangling=true -q",
	"history": "$ hyper history --no-trunc nginx",
	"search":  "$ hyper search --stars 100 mysql",
	"pull":    "$ hyper pull nginx:stable",
	"load": `
$ hyper load -i images.tar.xz
$ hyper load -i https://example.org/images.tar
$ hyper load --local shop:latest
$ xz -dc shop.tar.xz | hyper load`,

	"volume create": `
$ hyper volume create --name pgdata --size 20
pgdata
$ hyper volume create --name copy --snapshot nightly`,
	"volume init": `
$ hyper volume init /home/me/site:site
$ hyper volume init https://example.org/nginx.conf:conf git://example.org/shop.git:release/2:shop`,
	"volume ls": `
$ hyper volume ls --usage
$ hyper volume ls -q --filter dangling=true`,
	"volume inspect": "$ hyper volume inspect -f '{{.Labels.size}}' pgdata\n20",
	"volume cp":      "$ hyper volume cp pgdata yesterday",
	"volume resize":  "$ hyper volume resize pgdata 40",
	"volume rm":      "$ hyper volume rm yesterday",
	"volume export":  "$ hyper volume export -o pgdata.tar.zst pgdata",
	"volume import":  "$ hyper volume import --name pgdata --size 20 pgdata.tar.zst",

	"snapshot create": `
$ hyper snapshot create --force --volume pgdata --name nightly
nightly`,
	"snapshot ls": `
$ hyper snapshot ls --filter volume=pgdata
Snapshot Name       Volume              Size
nightly             pgdata              20`,
	"snapshot inspect":         "$ hyper snapshot inspect -f '{{.Volume}}' nightly\npgdata",
	"snapshot restore":         "$ hyper snapshot restore nightly",
	"snapshot rm":              "$ hyper snapshot rm nightly",
	"snapshot schedule create": "$ hyper snapshot schedule create --volume pgdata --every 6h --keep 28 sixhourly",
	"snapshot schedule ls":     "$ hyper snapshot schedule ls --json",
	"snapshot schedule rm":     "$ hyper snapshot schedule rm --volume pgdata sixhourly",

	"fip allocate": `
$ FIP=$(hyper fip allocate -y 1)
$ hyper fip allocate --pick 1
203.0.113.24`,
	"fip attach": `
$ hyper fip attach 203.0.113.24 web
$ hyper fip attach -f shopip web2`,
	"fip detach": "$ hyper fip detach web\n203.0.113.24",
	"fip ls": `
$ hyper fip ls
$ hyper fip ls -q --filter dangling=true`,
	"fip name":    "$ hyper fip name 203.0.113.24 shopip",
	"fip release": "$ hyper fip release 203.0.113.24 203.0.113.25",

	"sg create": `
$ cat web.yaml
name: web-sg
description: http from anywhere
rules:
  - direction: ingress
    protocol: tcp
    port_range_min: 80
    port_range_max: 80
    remote_ip_prefix: 0.0.0.0/0
$ hyper sg create -f web.yaml web-sg`,
	"sg inspect": `
$ hyper sg inspect -o yaml web-sg`,
	"sg ls":     "$ hyper sg ls -q",
	"sg rm":     "$ hyper sg rm web-sg",
	"sg update": "$ hyper sg update -f web.yaml web-sg",

	"config": `
$ hyper config --accesskey AKEXAMPLE0123456789 --ca hyper-ca.pem --name home tcp://hyper.example.org:6443
Enter Secret Key:
$ hyper --region home ps`,
	"region ls": "$ hyper region ls",
	"version": `
$ hyper version --client
$ hyper version -f '{{.Server.Version}}'`,
	"info":       "$ hyper info -f '{{.Containers}}'",
	"quota":      "$ hyper quota --json",
	"docker-env": "$ eval \"$(hyper docker-env)\"\n$ docker ps",
	"completion": "$ source <(hyper completion bash)",

	"credential create": "$ hyper credential create --name desk",
	"credential ls":     "$ hyper credential ls",
	"credential rm":     "$ hyper credential rm AKEXAMPLE0123456789",
	"token create":      "$ hyper token create --name ci --expires 720h",
	"token ls":          "$ hyper token ls -q",
	"token rm":          "$ hyper token rm ci",
	"certificate ls":    "$ hyper certificate ls",
	"certificate rm":    "$ hyper certificate rm 3f0d91c7a25be4880c6612d9a7c3f51e",

	"usage": `
$ hyper usage
$ hyper usage --by day --since 7d
$ hyper usage --since 2026-11 --until 2026-12 --entries --csv`,
	"bill": `
$ hyper bill 2026-11
$ hyper bill last --csv
$ hyper bill --format '{{.Total}}'
8.28`,
	"prices":     "$ hyper prices\n$ hyper prices --all --json",
	"budget":     "$ hyper budget\nMonth: 2026-12 (UTC)\nSpent: $7.51, 75 % of the budget\nOwn budget: $10.00, mail to ann@example.com\nOperator's budget: none",
	"budget set": "$ hyper budget set --mail ann@example.com 10",
	"budget rm":  "$ hyper budget rm",

	"admin usage":      "$ hyper admin usage --by kind ann@example.com\n$ hyper admin usage --since 24h",
	"admin bill":       "$ hyper admin bill ann@example.com 2026-11",
	"admin bills":      "$ hyper admin bills last --csv",
	"admin budget":     "$ hyper admin budget ann@example.com",
	"admin budget set": "$ hyper admin budget set --stop ann@example.com 25",
	"admin budget rm":  "$ hyper admin budget rm ann@example.com",
	"admin correct":    "$ hyper admin correct --note 'Refund for the outage of the 3rd' ann@example.com -1.50",

	"admin account create":    "$ hyper admin account create --quota containers=20,memory=8g,fips=none ann@example.com",
	"admin account disable":   "$ hyper admin account disable ann@example.com",
	"admin account enable":    "$ hyper admin account enable ann@example.com",
	"admin account inspect":   "$ hyper admin account inspect -f '{{.State}}' ann@example.com",
	"admin account ls":        "$ hyper admin account ls",
	"admin account quota":     "$ hyper admin account quota ann@example.com fips=2 memory=unlimited",
	"admin account rm":        "$ hyper admin account rm ann@example.com",
	"admin credential create": "$ hyper admin credential create --name desk ann@example.com",
	"admin doctor":            "$ hyper admin doctor -q\n$ hyper admin doctor --mend",
}
