// Network peers in Go, each as one would write it with the standard library: a goroutine a connection, bufio, net/http.
//
//	peer-net-go resp|echo|work|http --port N
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: peer-net-go resp|echo|work|http --port N")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	port := flags.Int("port", 0, "the port to listen at, on 127.0.0.1")
	_ = flags.Parse(os.Args[2:])
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "resp":
		store := newStore()
		serve(listener, func(c net.Conn) error { return serveRESP(c, store) })
	case "echo":
		serve(listener, serveEcho)
	case "work":
		serve(listener, serveWork)
	case "http":
		log.Fatal(http.Serve(listener, http.HandlerFunc(hello)))
	default:
		log.Fatalf("there is no server %q", os.Args[1])
	}
}

// Accepts for ever. An error of one connection ends that connection alone; one that passes, such as no free descriptor,
// does not end the loop.
func serve(listener net.Listener, handle func(net.Conn) error) {
	for {
		c, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			log.Print(err)
			continue
		}
		go func() {
			defer c.Close()
			_ = handle(c)
		}()
	}
}

func serveEcho(c net.Conn) error {
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		if n > 0 {
			if _, err := c.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// Sends each byte back after as many milliseconds of work.
func serveWork(c net.Conn) error {
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		for _, b := range buffer[:n] {
			for end := time.Now().Add(time.Duration(b) * time.Millisecond); time.Now().Before(end); {
			}
		}
		if n > 0 {
			if _, err := c.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "Hello, World!")
}
