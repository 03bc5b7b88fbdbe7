// A function without a body (registered.go) needs an assembly file in its package.
