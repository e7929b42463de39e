// A consumer by hand on AWS's SDK for Go, version 2: so many pollers, each of which receives ten, checks and decodes
// each, does nothing, and deletes ten. `go-consumer POLLERS`
//
// It ends when a receive finds nothing. It asks for no attributes, having no use for them; the SDK checks each body's MD5.
// Messages have no goroutine of their own, for a handler that does nothing waits for nothing: the cheapest there is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type award struct {
	EventType      string `json:"eventType"`
	DiscordGuildID string `json:"discordGuildId"`
	DiscordUserID  string `json:"discordUserId"`
	ItemTypeID     string `json:"itemTypeId"`
	Quantity       int64  `json:"quantity"`
}

func (a *award) validate() error {
	if a.EventType != "ITEM_AWARDED" {
		return errors.New("no handler for " + a.EventType)
	}
	for _, id := range []string{a.DiscordGuildID, a.DiscordUserID} {
		if number, err := strconv.ParseUint(id, 10, 64); err != nil || strconv.FormatUint(number, 10) != id {
			return errors.New("expected a numeric Discord id")
		}
	}
	scalars := 0
	for _, scalar := range a.ItemTypeID {
		if unicode.IsControl(scalar) {
			return errors.New("expected an id without control characters")
		}
		scalars++
	}
	if scalars < 1 || scalars > 128 {
		return errors.New("expected an id of 1 to 128 characters")
	}
	if a.Quantity < 1 || a.Quantity > 1_000_000_000 {
		return errors.New("expected a whole number from 1 to 1000000000")
	}
	return nil
}

func handle(body []byte) error {
	var award award
	if err := json.Unmarshal(body, &award); err != nil {
		return err
	}
	return award.validate()
}

func receive(ctx context.Context, client *sqs.Client, queue string) error {
	for {
		answer, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 30,
		})
		if err != nil {
			return err
		}
		if len(answer.Messages) == 0 {
			return nil
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, 0, len(answer.Messages))
		for index, message := range answer.Messages {
			if err := handle([]byte(*message.Body)); err != nil {
				return err
			}
			entries = append(entries, types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(index)), ReceiptHandle: message.ReceiptHandle,
			})
		}
		deleted, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &queue, Entries: entries})
		if err != nil {
			return err
		}
		if len(deleted.Failed) > 0 || len(deleted.Successful) != len(entries) {
			return errors.New("not every message was deleted")
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go-consumer POLLERS")
	}
	pollers, err := strconv.Atoi(os.Args[1])
	if err != nil || pollers < 1 {
		log.Fatal("POLLERS: expected a whole number from 1")
	}
	queue, endpoint := os.Getenv("AWS_SQS_QUEUE_URL"), os.Getenv("AWS_ENDPOINT_URL_SQS")
	client := sqs.New(sqs.Options{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
			// The SDK keeps ten connections otherwise, and would make one anew for most requests of more pollers.
			transport.MaxIdleConns, transport.MaxIdleConnsPerHost = pollers, pollers
		}),
		EndpointResolver: sqs.EndpointResolverFromURL(endpoint),
	})
	var group sync.WaitGroup
	for n := 0; n < pollers; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := receive(context.Background(), client, queue); err != nil {
				log.Fatal(err)
			}
		}()
	}
	group.Wait()
}
