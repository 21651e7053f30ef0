"""Tables of flowmaker.pipelines."""
