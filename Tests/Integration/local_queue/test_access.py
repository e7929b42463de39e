"""Tags and permissions: kept and answered, though the local queue lets everyone do everything."""

import json

import pytest

from support.contract import refused


class TestTags:
    def test_a_queue_has_none_at_first(self, sqs, queue):
        assert sqs.list_queue_tags(QueueUrl=queue.url).get("Tags", {}) == {}

    def test_they_are_kept_added_to_and_changed(self, sqs, queue):
        sqs.tag_queue(QueueUrl=queue.url, Tags={"team": "prizes", "note": ""})
        sqs.tag_queue(QueueUrl=queue.url, Tags={"team": "Zoë's 🎡", "cost": "0"})
        tags = {"team": "Zoë's 🎡", "note": "", "cost": "0"}
        assert sqs.list_queue_tags(QueueUrl=queue.url)["Tags"] == tags

    def test_they_are_removed_by_key_and_a_missing_key_is_no_error(self, sqs, queue):
        sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1", "b": "2", "c": "3"})
        sqs.untag_queue(QueueUrl=queue.url, TagKeys=["a", "c", "d"])
        assert sqs.list_queue_tags(QueueUrl=queue.url)["Tags"] == {"b": "2"}

    def test_a_queue_can_be_made_with_them(self, sqs, new_name):
        url = sqs.create_queue(QueueName=new_name(), tags={"team": "prizes"})["QueueUrl"]
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "prizes"}

    def test_to_make_the_queue_again_without_them_changes_nothing(self, sqs, new_name):
        name = new_name()
        url = sqs.create_queue(QueueName=name, tags={"team": "prizes"})["QueueUrl"]
        assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "prizes"}

    def test_they_go_with_their_queue(self, sqs, queue):
        sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1"})
        sqs.delete_queue(QueueUrl=queue.url)
        with refused("AWS.SimpleQueueService.NonExistentQueue"):
            sqs.list_queue_tags(QueueUrl=queue.url)

    def test_fifty_at_most(self, sqs, queue):
        sqs.tag_queue(QueueUrl=queue.url, Tags={f"key-{number}": "x" for number in range(50)})
        with refused("InvalidParameterValue"):
            sqs.tag_queue(QueueUrl=queue.url, Tags={"key-50": "x"})
        assert len(sqs.list_queue_tags(QueueUrl=queue.url)["Tags"]) == 50

    @pytest.mark.parametrize(
        "tags", [{"": "x"}, {"x" * 129: "x"}, {"x": "x" * 257}], ids=["no key", "a long key", "a long value"]
    )
    def test_bad_ones(self, tags, sqs, queue):
        with refused("InvalidParameterValue", "MissingParameter"):
            sqs.tag_queue(QueueUrl=queue.url, Tags=tags)
        assert sqs.list_queue_tags(QueueUrl=queue.url).get("Tags", {}) == {}


class TestPermissions:
    ACCOUNT = "111122223333"

    def add(self, sqs, queue, label, *actions):
        sqs.add_permission(QueueUrl=queue.url, Label=label, AWSAccountIds=[self.ACCOUNT], Actions=list(actions))

    def statements(self, queue):
        policy = queue.attributes("Policy").get("Policy")
        return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]} if policy else {}

    def test_one_becomes_a_statement_of_the_policy(self, sqs, queue):
        self.add(sqs, queue, "readers", "ReceiveMessage")
        statement = self.statements(queue)["readers"]
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"AWS": f"arn:aws:iam::{self.ACCOUNT}:root"}
        assert statement["Action"] == "SQS:ReceiveMessage"
        assert statement["Resource"] == queue.arn

    def test_several_actions_are_one_statement(self, sqs, queue):
        self.add(sqs, queue, "workers", "ReceiveMessage", "DeleteMessage")
        assert sorted(self.statements(queue)["workers"]["Action"]) == ["SQS:DeleteMessage", "SQS:ReceiveMessage"]

    def test_several_are_several_statements_and_are_removed_by_their_labels(self, sqs, queue):
        self.add(sqs, queue, "one", "ReceiveMessage")
        self.add(sqs, queue, "two", "SendMessage")
        assert set(self.statements(queue)) == {"one", "two"}
        sqs.remove_permission(QueueUrl=queue.url, Label="one")
        assert set(self.statements(queue)) == {"two"}
        sqs.remove_permission(QueueUrl=queue.url, Label="two")
        assert queue.attributes("Policy") == {}

    def test_a_label_is_used_once(self, sqs, queue):
        self.add(sqs, queue, "one", "ReceiveMessage")
        with refused("InvalidParameterValue"):
            self.add(sqs, queue, "one", "SendMessage")

    def test_a_label_that_is_not_there_cannot_be_removed(self, sqs, queue):
        with refused("InvalidParameterValue"):
            sqs.remove_permission(QueueUrl=queue.url, Label="nothing")

    def test_an_action_that_does_not_exist_is_refused(self, sqs, queue):
        with refused("InvalidParameterValue"):
            self.add(sqs, queue, "one", "EatMessage")

    def test_a_policy_is_answered_as_it_was_set_and_can_be_emptied(self, queue):
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": queue.arn}],
            }
        )
        queue.set(Policy=policy)
        assert json.loads(queue.attributes("Policy")["Policy"]) == json.loads(policy)
        queue.set(Policy="")
        assert queue.attributes("Policy") == {}
