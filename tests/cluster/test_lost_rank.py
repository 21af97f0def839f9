"""Of a lost rank what happened is told, and not what Ray guesses."""

from cluster.lost_rank import without_guesses


def test_what_is_said_of_a_lost_process_has_no_list_of_guesses():
    said = "Worker exits. End of file. Some common causes include: (1) the OOM killer"
    assert without_guesses(said) == "Worker exits. End of file"
    said = "Socket closed. The task may or may not have been executed on the actor."
    assert without_guesses(said) == "Socket closed"
    assert without_guesses("no guess.") == "no guess"
