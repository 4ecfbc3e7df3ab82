"""The platform's own staff inside a workspace: by a grant with a reason and an end, which its admins see and end."""
